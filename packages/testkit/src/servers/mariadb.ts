// A private MariaDB: `await use(t, startMariadb())`. Durability is off, because nothing here outlives its test.
import { join } from 'node:path';
import { serverProgram } from './available.ts';
import { onFreePort, ServerDirectory, serverUser, startProcess } from './process.ts';
import { toRunning } from './server.ts';
import type { RunningServer, ServerTls } from './server.ts';

export interface MariadbOptions {
  /** Default `sallyport`. */
  user?: string;
  /** Default `secret`. */
  password?: string;
  /** Created empty. Default `test`. */
  database?: string;
  /** Offers TLS; with `clientCa`, the user must present a certificate. */
  tls?: ServerTls;
  /** Refuses connections without TLS. Default: false. */
  requireTls?: boolean;
}

export interface MariadbServer extends RunningServer {
  user: string;
  password: string;
  database: string;
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}

function tlsArguments(directory: ServerDirectory, tls: ServerTls | undefined): string[] {
  if (tls === undefined) return [];
  return [
    `--ssl-cert=${directory.write('server.crt', tls.certificate.cert)}`,
    `--ssl-key=${directory.write('server.key', tls.certificate.key)}`,
    ...(tls.clientCa === undefined ? [] : [`--ssl-ca=${directory.write('client-ca.crt', tls.clientCa)}`]),
  ];
}

async function start(port: number, options: MariadbOptions): Promise<MariadbServer> {
  const { user = 'sallyport', password = 'secret', database = 'test', tls, requireTls = false } = options;
  const directory = new ServerDirectory('mariadb', serverUser('mysql'));
  const data = join(directory.path, 'data');
  const requirement = tls?.clientCa === undefined ? (requireTls ? ' REQUIRE SSL' : '') : ' REQUIRE X509';
  const account = `${quoted(user)}@'127.0.0.1'`;
  // One statement a line, as --init-file wants it.
  const init = directory.write(
    'init.sql',
    `CREATE DATABASE \`${database}\`;\n` +
      `CREATE USER ${account} IDENTIFIED BY ${quoted(password)}${requirement};\n` +
      `GRANT ALL ON *.* TO ${account};\n`,
  );
  await directory.prepare(serverProgram('mariadb', 'mariadb-install-db'), [
    '--no-defaults',
    `--datadir=${data}`,
    '--auth-root-authentication-method=normal',
    '--skip-test-db',
    '--skip-name-resolve',
  ]);
  const server = await startProcess({
    directory,
    command: serverProgram('mariadb', 'mariadbd'),
    arguments: [
      '--no-defaults',
      `--datadir=${data}`,
      `--socket=${join(directory.path, 'mariadb.sock')}`,
      `--pid-file=${join(directory.path, 'mariadb.pid')}`,
      `--port=${port}`,
      '--bind-address=127.0.0.1',
      '--skip-name-resolve',
      '--innodb-flush-log-at-trx-commit=0',
      '--innodb-buffer-pool-size=16M',
      `--init-file=${init}`,
      ...tlsArguments(directory, tls),
      ...(requireTls ? ['--require-secure-transport=ON'] : []),
    ],
    ready: /ready for connections/,
    signal: 'KILL',
  });
  return toRunning(server, { port, user, password, database });
}

export function startMariadb(options: MariadbOptions = {}): Promise<MariadbServer> {
  return onFreePort((port) => start(port, options));
}
