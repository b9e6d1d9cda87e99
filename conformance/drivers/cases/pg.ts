// node-postgres. In a Worker its own `pg-cloudflare` uses the sockets API and asks the server for the upgrade.
import { Client } from 'pg';
import type { DatabaseError } from 'pg';
import { type Driver, failureOf, hasClientCertificate, isSecure, largeLength } from '../driver.ts';

const socketsApi = {
  why: 'The driver upgrades with startTls() of the sockets API, which has no such option: the host has it instead.',
};
const ownTls = {
  why: "The driver's own TLS runs over our stream, in this process: what it trusts is its own `ssl` option.",
};

export const pg: Driver = {
  package: 'pg',
  protocol: 'PostgreSQL',
  server: 'postgres',
  worker: {
    plain: 'works',
    starttls: 'works',
    ca: socketsApi,
    'host-certificate': 'works',
    'driver-certificate': socketsApi,
  },
  node: {
    plain: 'works',
    starttls: ownTls,
    ca: 'works',
    'host-certificate': ownTls,
    'driver-certificate': 'works',
  },
  async exercise({ id, mode, host, port, user, password, database, tls }, open) {
    const ssl = isSecure(mode) ? { ...tls } : false;
    const client = new Client({ host, port, user, password, database, ssl, ...(open && { stream: () => open() }) });
    await client.connect();
    await client.query(`create table ${id} (n int primary key, t text)`);
    await client.query(`insert into ${id} values ($1, $2)`, [1, 'é']);
    const { rows } = await client.query(`select n, t from ${id}`);
    const large = await client.query<{ t: string }>('select $1::text as t', ['x'.repeat(largeLength)]);
    const { code } = (await failureOf(() => client.query(`insert into ${id} values (1)`))) as unknown as DatabaseError;
    const seen = await client.query(
      'select ssl, client_dn is not null as certificate from pg_stat_ssl where pid = pg_backend_pid()',
    );
    await client.query(`drop table ${id}`);
    await client.end();
    return { rows, large: large.rows[0]!.t.length, code: code!, ...(seen.rows[0] as object) };
  },
  expected: (mode) => ({
    rows: [{ n: 1, t: 'é' }],
    large: largeLength,
    code: '23505',
    ssl: isSecure(mode),
    certificate: hasClientCertificate(mode),
  }),
};
