// What is compared: a PostgreSQL, and before the same one PgBouncer and Sallyport, each with the same number of origin
// connections. Every one is a process of its own on loopback.
import { onFreePort, ServerDirectory, serverUser, startProcess } from '../../packages/testkit/src/servers/process.ts';
import { startPostgres } from '../../packages/testkit/src/index.ts';
import type { PostgresServer } from '../../packages/testkit/src/index.ts';
import type { Pgbouncer } from '../kit/pgbouncer.ts';
import type { Program } from '../kit/programs.ts';
import type { Door } from './programs/clients.ts';
import type { PoolerSetup } from './programs/pooler.ts';
import { startProgram } from './programs.ts';

/** Origin connections of each pooler. */
export const poolSize = 16;

/** What a client is asked for. `cleartext` is what the binding's private way into the pooler has. */
export type ClientAuth = 'cleartext' | 'scram-sha-256';

export type SubjectName = 'direct' | 'pgbouncer' | 'sallyport';

export interface Subject extends AsyncDisposable {
  readonly name: SubjectName;
  readonly door: Door;
  /** The pooler's process; none for PostgreSQL itself. */
  readonly pid?: number;
  /** Ours takes orders. */
  readonly program?: Program;
}

const worker = { user: 'worker', password: 'its-own', database: 'binding' } as const;

/** As a deployment has it, but for durability, which would measure the disk. */
export function startServer(): Promise<PostgresServer> {
  return startPostgres({ settings: { max_connections: 300, shared_buffers: '256MB' } });
}

export function toDirect({ port, user, password, database }: PostgresServer): Subject {
  return { name: 'direct', door: { port, user, password, database }, [Symbol.asyncDispose]: () => Promise.resolve() };
}

export async function startSallyport(
  server: PostgresServer,
  auth: ClientAuth,
  isCached = false,
): Promise<Subject & { program: Program; pid: number }> {
  const { port, user, password, database } = server;
  const setup: PoolerSetup = {
    origin: { port, user, password, database },
    client: { ...worker, auth },
    maxConnections: poolSize,
    isCached,
  };
  const { program, hello, ...rest } = await startProgram<{ port: number }>('pooler', setup);
  return { ...rest, name: 'sallyport', program, pid: program.pid, door: { ...worker, port: hello.port } };
}

export interface PgbouncerOptions {
  auth: ClientAuth;
  /**
   * Debian's release may be older than 1.21, which first carried prepared statements over in transaction mode: there a
   * client that prepares needs session mode.
   */
  mode: 'transaction' | 'session';
}

export async function startPgbouncer(
  server: PostgresServer,
  { path, libraries }: Pgbouncer,
  { auth, mode }: PgbouncerOptions,
): Promise<Subject & { pid: number }> {
  return onFreePort(async (port) => {
    const directory = new ServerDirectory('pgbouncer', serverUser('postgres'));
    const users = directory.write('users', `"${worker.user}" "${worker.password}"\n`);
    const origin = `host=127.0.0.1 port=${server.port} dbname=${server.database} user=${server.user} password=${server.password}`;
    const configuration = directory.write(
      'pgbouncer.ini',
      `[databases]
${worker.database} = ${origin}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
listen_backlog = 4096
unix_socket_dir =
auth_type = ${auth === 'cleartext' ? 'plain' : auth}
auth_file = ${users}
pool_mode = ${mode}
default_pool_size = ${poolSize}
max_client_conn = 10000
log_connections = 0
log_disconnections = 0
`,
    );
    const pgbouncer = await startProcess({
      directory,
      command: 'env',
      arguments: [`LD_LIBRARY_PATH=${libraries}`, path, configuration],
      ready: /process up/,
      signal: 'INT',
    });
    return {
      name: 'pgbouncer',
      door: { ...worker, port },
      pid: Number(/\[(\d+)\] LOG process up/.exec(pgbouncer.log)?.[1]),
      [Symbol.asyncDispose]: () => pgbouncer.stop(),
    };
  });
}
