// A private PostgreSQL: `await use(t, startPostgres())`. Durability is off, because nothing here outlives its test.
import { join } from 'node:path';
import { serverProgram } from './available.ts';
import { onFreePort, ServerDirectory, serverUser, startProcess } from './process.ts';
import { toRunning } from './server.ts';
import type { RunningServer, ServerTls } from './server.ts';

export interface PostgresOptions {
  /** Default `postgres`. */
  user?: string;
  /** Default `secret`. */
  password?: string;
  /** How passwords are checked. Default `scram-sha-256`. */
  auth?: 'scram-sha-256' | 'md5' | 'password' | 'trust';
  /** Offers TLS. */
  tls?: ServerTls;
  /** Refuses connections without TLS. Default: false. */
  requireTls?: boolean;
  /** More lines for postgresql.conf, as name and value. */
  settings?: Readonly<Record<string, string | number>>;
}

export interface PostgresServer extends RunningServer {
  user: string;
  password: string;
  database: string;
  /** `postgres://user:password@host:port/database`. */
  url: string;
}

function configuration(directory: ServerDirectory, port: number, options: PostgresOptions): string {
  const { tls, settings } = options;
  const lines: Record<string, string | number> = {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: '',
    fsync: 'off',
    synchronous_commit: 'off',
    full_page_writes: 'off',
    max_connections: 100,
    shared_buffers: '16MB',
    dynamic_shared_memory_type: 'mmap',
    logging_collector: 'off',
    ...(tls === undefined
      ? {}
      : {
          ssl: 'on',
          ssl_cert_file: directory.write('server.crt', tls.certificate.cert),
          ssl_key_file: directory.write('server.key', tls.certificate.key),
        }),
    ...(tls?.clientCa === undefined ? {} : { ssl_ca_file: directory.write('client-ca.crt', tls.clientCa) }),
    ...settings,
  };
  return Object.entries(lines)
    .map(([name, value]) => `${name} = '${String(value).replaceAll("'", "''")}'\n`)
    .join('');
}

function accessRules({ auth = 'scram-sha-256', tls, requireTls = false }: PostgresOptions): string {
  const kind = requireTls ? 'hostssl' : 'host';
  const clientCertificate = tls?.clientCa === undefined ? '' : ' clientcert=verify-ca';
  const rule = `all all 127.0.0.1/32 ${auth}`;
  if (clientCertificate === '') return `${kind} ${rule}\n`;
  return `hostssl ${rule}${clientCertificate}\n${requireTls ? '' : `hostnossl ${rule}\n`}`;
}

async function start(port: number, options: PostgresOptions): Promise<PostgresServer> {
  const { user = 'postgres', password = 'secret', auth = 'scram-sha-256' } = options;
  const directory = new ServerDirectory('postgres', serverUser('postgres'));
  const data = join(directory.path, 'data');
  const passwordFile = directory.write('password', `${password}\n`);
  const initdb = ['-D', data, '-U', user, `--pwfile=${passwordFile}`, `--auth=${auth}`, '-E', 'UTF8', '--locale=C'];
  await directory.prepare(serverProgram('postgres', 'initdb'), [...initdb, '--no-sync']);
  const rules = directory.write('pg_hba.conf', accessRules(options));
  const conf = directory.write('postgresql.conf', configuration(directory, port, options));
  const server = await startProcess({
    directory,
    command: serverProgram('postgres', 'postgres'),
    arguments: ['-D', data, '-c', `config_file=${conf}`, '-c', `hba_file=${rules}`],
    ready: /database system is ready to accept connections/,
    signal: 'QUIT',
  });
  const url = `postgres://${user}:${encodeURIComponent(password)}@127.0.0.1:${port}/postgres`;
  return toRunning(server, { port, user, password, database: 'postgres', url });
}

export function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  return onFreePort((port) => start(port, options));
}
