// The private network of the demo: a database, a server that upgrades to TLS, and an echo, all on loopback.
import { PGlite } from '@electric-sql/pglite';
import { PGLiteSocketServer } from '@electric-sql/pglite-socket';
import { createAuthority, startPeer, startStartTlsPeer } from '@sallyport/testkit';

export interface PrivateNetwork {
  /** Where its servers are, as the Worker's variables. */
  vars: Record<string, string>;
  /** The authority that issued its certificates, PEM. */
  ca: string;
  /** What runs where, for people. */
  description: string;
  close(): Promise<void>;
}

const schema = `
  create table service (id serial primary key, name text not null, port integer not null);
  insert into service (name, port) values ('ledger', 5432), ('mail relay', 587), ('metrics', 9090);
`;

export async function startPrivateNetwork(): Promise<PrivateNetwork> {
  const database = await PGlite.create();
  await database.exec(schema);
  const server = new PGLiteSocketServer({ db: database, port: 0, host: '127.0.0.1', maxConnections: 16 });
  await server.start();
  const [, port] = server.getServerConn().split(':');
  const authority = await createAuthority('Demo private network');
  const mail = await startStartTlsPeer({ certificate: await authority.issue('good') });
  const echo = await startPeer('echo');
  return {
    vars: {
      DATABASE: `postgres://postgres:postgres@127.0.0.1:${port}/postgres`,
      MAIL: `localhost:${mail.port}`,
      ECHO: echo.address,
    },
    ca: authority.ca,
    description: [
      'A private network on this machine:',
      `  PostgreSQL (PGlite)     127.0.0.1:${port}`,
      `  mail server (STARTTLS)  localhost:${mail.port}, with a certificate of its own authority`,
      `  echo                    ${echo.address}`,
    ].join('\n'),
    async close() {
      await Promise.all([server.stop(), mail.close(), echo.close()]);
      await database.close();
    },
  };
}
