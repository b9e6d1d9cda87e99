// A private PostgreSQL: `await use(t, startPostgres())`. Durability is off, because nothing here outlives its test; one
// that is to crash and come back keeps what was committed, as a process that dies does and a machine does not.
import { execFile } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
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

/** A server that can be killed and started again, on the same port and data. */
export interface CrashablePostgres extends PostgresServer {
  /** `kill -9`: connections break, what was not committed is lost. Resolves when nothing listens any more. */
  crash(): Promise<void>;
  /** Starts it again after a crash; resolves when it accepts connections. */
  restart(): Promise<void>;
}

/** Starts the server again and again, unless its directory says that it is down. */
const supervisor = 'down=$1; shift; while :; do [ -e "$down" ] || "$@"; sleep 0.05; done';

/** What a crash must not lose: the page cache outlives the process, so commits have to reach only that. */
const crashSafe = { synchronous_commit: 'on', full_page_writes: 'on', restart_after_crash: 'on' } as const;

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

interface Started {
  server: PostgresServer;
  directory: ServerDirectory;
}

async function start(port: number, options: PostgresOptions, isCrashable: boolean): Promise<Started> {
  const { user = 'postgres', password = 'secret', auth = 'scram-sha-256' } = options;
  const directory = new ServerDirectory('postgres', serverUser('postgres'));
  const data = join(directory.path, 'data');
  const passwordFile = directory.write('password', `${password}\n`);
  const initdb = ['-D', data, '-U', user, `--pwfile=${passwordFile}`, `--auth=${auth}`, '-E', 'UTF8', '--locale=C'];
  await directory.prepare(serverProgram('postgres', 'initdb'), [...initdb, '--no-sync']);
  const rules = directory.write('pg_hba.conf', accessRules(options));
  const conf = directory.write('postgresql.conf', configuration(directory, port, options));
  const program = serverProgram('postgres', 'postgres');
  const parameters = ['-D', data, '-c', `config_file=${conf}`, '-c', `hba_file=${rules}`];
  const supervised = ['-c', supervisor, 'supervisor', join(directory.path, 'down'), program, ...parameters];
  const server = await startProcess({
    directory,
    command: isCrashable ? 'sh' : program,
    arguments: isCrashable ? supervised : parameters,
    ready: /database system is ready to accept connections/,
    signal: 'QUIT',
  });
  const url = `postgres://${user}:${encodeURIComponent(password)}@127.0.0.1:${port}/postgres`;
  return { directory, server: toRunning(server, { port, user, password, database: 'postgres', url }) };
}

export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  return (await onFreePort((port) => start(port, options, false))).server;
}

/** True while somebody listens on a port of this machine. */
function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

export async function startCrashablePostgres(options: PostgresOptions = {}): Promise<CrashablePostgres> {
  const settings = { ...crashSafe, ...options.settings };
  const { server, directory } = await onFreePort((port) => start(port, { ...options, settings }, true));
  const ready = ['-h', '127.0.0.1', '-p', String(server.port), '-q'];
  const isReady = (): Promise<boolean> =>
    promisify(execFile)(serverProgram('postgres', 'pg_isready'), ready).then(
      () => true,
      () => false,
    );
  return Object.assign(server, {
    crash: async () => {
      directory.write('down', '');
      const [pid] = readFileSync(join(directory.path, 'data', 'postmaster.pid'), 'utf8').split('\n');
      process.kill(Number(pid), 'SIGKILL');
      while (await isListening(server.port)) await sleep(5);
    },
    restart: async () => {
      rmSync(join(directory.path, 'down'), { force: true });
      while (!(await isReady())) await sleep(20);
    },
  });
}
