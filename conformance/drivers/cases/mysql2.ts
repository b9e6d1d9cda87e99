// mysql2, with MariaDB at the other end.
import type { Duplex } from 'node:stream';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { type Driver, failureOf, isSecure, largeLength } from '../driver.ts';

const ownTls = {
  why: "The driver's own TLS runs over our stream, in this process: what it trusts is its own `ssl` option.",
};

export const mysql2: Driver = {
  package: 'mysql2',
  protocol: 'MySQL',
  server: 'mariadb',
  note: '`disableEval: true`, because Workers may not make code from text.',
  worker: {
    plain: 'works',
    starttls: 'works',
    ca: 'works',
    'host-certificate': 'works',
    'driver-certificate': 'works',
  },
  node: {
    plain: 'works',
    starttls: ownTls,
    ca: 'works',
    'host-certificate': ownTls,
    'driver-certificate': 'works',
  },
  async exercise({ id, mode, host, port, user, password, database, tls }, open) {
    const connection = await createConnection({
      host,
      port,
      user,
      password,
      database,
      disableEval: true,
      ...(isSecure(mode) && { ssl: { ...tls, verifyIdentity: true } }),
      ...(open && { stream: (): Duplex => open({ host, port }) }),
    });
    const select = async (text: string, values: unknown[] = []): Promise<RowDataPacket[]> =>
      (await connection.query<RowDataPacket[]>(text, values))[0];
    await connection.query(`create table ${id} (n int primary key, t text)`);
    await connection.query(`insert into ${id} values (?, ?)`, [1, 'é']);
    const [prepared] = await connection.execute<RowDataPacket[]>(`select n, t from ${id} where n = ?`, [1]);
    const [large] = await select('select ? as t', ['x'.repeat(largeLength)]);
    const { code } = await failureOf(() => connection.query(`insert into ${id} values (1, '')`));
    const [cipher] = await select("show status like 'Ssl_cipher'");
    await connection.query(`drop table ${id}`);
    await connection.end();
    return {
      rows: prepared.map((row) => ({ ...row })),
      large: (large!['t'] as string).length,
      code: code as string,
      ssl: cipher!['Value'] !== '',
    };
  },
  expected: (mode) => ({
    rows: [{ n: 1, t: 'é' }],
    large: largeLength,
    code: 'ER_DUP_ENTRY',
    ssl: isSecure(mode),
  }),
};
