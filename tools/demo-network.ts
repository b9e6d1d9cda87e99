// The private network of the demo: a database without any port, a server that upgrades to TLS, an echo, and a connector
// that listens nowhere and lets the edge in.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { PGLiteSocketServer } from '@electric-sql/pglite-socket';
import { createAuthority, startPeer, startStartTlsPeer } from '@sallyport/testkit';

export interface PrivateNetwork {
  /** What only tells where the servers really are, as the Worker's variables. */
  vars: Record<string, string | string[]>;
  /** The authority that issued its certificates, PEM. */
  ca: string;
  /** What runs where, for people. */
  description: string;
  /** Starts `sallyport tunnel run` with a token. */
  startConnector(token: string): void;
  /** Ends the connector, and resolves when it has gone. */
  stopConnector(): Promise<void>;
  close(): Promise<void>;
}

const schema = `
  create table service (id serial primary key, name text not null, port integer not null);
  insert into service (name, port) values ('ledger', 5432), ('mail relay', 587), ('metrics', 9090);
`;

export async function startPrivateNetwork(): Promise<PrivateNetwork> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-demo-'));
  const database = await PGlite.create();
  await database.exec(schema);
  const path = join(folder, 'postgres.sock');
  const server = new PGLiteSocketServer({ db: database, path, maxConnections: 16 });
  await server.start();
  const authority = await createAuthority('Demo private network');
  const certificate = await authority.issue('good', { names: ['mail.internal'] });
  const mail = await startStartTlsPeer({ certificate });
  const echo = await startPeer('echo');
  const config = join(folder, 'config.yml');
  await writeFile(
    config,
    `# The connector's own list: what the edge may ask for, and where that is. The operator wrote it, so it may be loopback.
ingress:
  - hostname: db.internal
    service: unix:${path}
  - hostname: 10.77.0.5
    service: unix:${path}
  - hostname: mail.internal
    service: tcp://127.0.0.1:${mail.port}
  - hostname: echo.internal
    service: tcp://${echo.address}
  - service: http_status:404
`,
  );
  let connector: ChildProcess | undefined;
  const stopConnector = async (): Promise<void> => {
    if (connector === undefined || connector.exitCode !== null) return;
    const ended = once(connector, 'exit');
    connector.kill('SIGTERM');
    await ended;
  };
  return {
    vars: {
      MAIL: `mail.internal:${mail.port}`,
      ECHO: `echo.internal:${echo.port}`,
      DIRECT: [`127.0.0.1:${mail.port}`, `localhost:${echo.port}`, '127.0.0.1:5432'],
    },
    ca: authority.ca,
    description: [
      'A private network that only a connector can reach into, and that listens for nobody outside:',
      '  db.internal, 10.77.0.5  PostgreSQL (PGlite), on a unix socket: no port at all',
      `  mail.internal:${mail.port}     STARTTLS, with a certificate of its own authority`,
      `  echo.internal:${echo.port}     echo`,
      `  connector               sallyport tunnel run, with ${config}`,
    ].join('\n'),
    startConnector(token) {
      const main = new URL('../packages/cli/dist/main.js', import.meta.url).pathname;
      const args = [
        'tunnel',
        'run',
        '--config',
        config,
        '--metrics',
        'off',
        '--grace-period',
        '1s',
        '--loglevel',
        'warn',
      ];
      const { PATH = '', HOME = folder } = process.env;
      const env = { PATH, HOME, TUNNEL_TOKEN: token };
      connector = spawn(process.execPath, [main, ...args], { env, stdio: ['ignore', 'inherit', 'inherit'] });
    },
    stopConnector,
    async close() {
      await stopConnector();
      await Promise.all([server.stop(), mail.close(), echo.close()]);
      await database.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
