// postgres.js. It has a build for Workers, which uses the sockets API.
import postgres from 'postgres';
import { type Driver, failureOf, hasClientCertificate, isSecure, largeLength } from '../driver.ts';

const socketsApi = {
  why: 'The driver upgrades with startTls() of the sockets API, which has no such option: the host has it instead.',
};
const ownTls = {
  why: "The driver's own TLS runs over our stream, in this process: what it trusts is its own `ssl` option.",
};

export const postgresJs: Driver = {
  package: 'postgres',
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
    const sql = postgres({
      host,
      port,
      user,
      password,
      database,
      ssl: isSecure(mode) ? { ...tls } : false,
      max: 2,
      onnotice: () => {},
      // Not in the published types. It compares the certificate with the stream's `host`.
      ...(open && ({ socket: () => Promise.resolve(Object.assign(open({ host, port }), { host })) } as object)),
    });
    try {
      await sql`create table ${sql(id)} (n int primary key, t text)`;
      await sql`insert into ${sql(id)} ${sql([{ n: 1, t: 'é' }])}`;
      const rows = await sql<{ n: number; t: string }[]>`select n, t from ${sql(id)}`;
      const [large] = await sql<{ t: string }[]>`select ${'x'.repeat(largeLength)}::text as t`;
      const { code } = await failureOf(() => sql.begin((own) => own`insert into ${own(id)} values (1)`));
      const [seen] = await sql<{ ssl: boolean; certificate: boolean }[]>`
        select ssl, client_dn is not null as certificate from pg_stat_ssl where pid = pg_backend_pid()`;
      await sql`drop table ${sql(id)}`;
      return { rows: [...rows], large: large!.t.length, code: code as string, ...seen! };
    } finally {
      await sql.end({ timeout: 5 });
    }
  },
  expected: (mode) => ({
    rows: [{ n: 1, t: 'é' }],
    large: largeLength,
    code: '23505',
    ssl: isSecure(mode),
    certificate: hasClientCertificate(mode),
  }),
};
