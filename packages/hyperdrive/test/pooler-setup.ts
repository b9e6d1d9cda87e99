// A real server, a pooler in front of it, and drivers that come through the pooler or go straight.
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { startPostgres, use } from '@sallyport/testkit';
import type { PostgresOptions, PostgresServer, TestScope } from '@sallyport/testkit';
import { Client } from 'pg';
import type { ClientConfig } from 'pg';
import { startPooler } from '../src/index.ts';
import type { Pooler, PoolerOptions } from '../src/index.ts';
import { dialTcp } from './dial.ts';

export interface Setup {
  server: PostgresServer;
  pooler: Pooler;
  /** A client through the pooler, connected. Ends with the test. */
  client(options?: ClientConfig): Promise<Client>;
  /** A client of the server itself. */
  direct(): Promise<Client>;
  port: number;
  url: string;
}

export const ownCredentials = { user: 'worker', password: 'its own', database: 'binding' } as const;

export interface SetupOptions {
  postgres?: PostgresOptions;
  pool?: PoolerOptions['pool'];
  auth?: 'scram-sha-256' | 'cleartext' | 'trust';
  origin?: Partial<PoolerOptions['origin']>;
  answerer?: PoolerOptions['answerer'];
  clock?: PoolerOptions['clock'];
  /** Another way to the server than straight. */
  dial?: (port: number, signal: AbortSignal) => Promise<Duplex>;
  /** Anything else. */
  pooler?: Partial<PoolerOptions>;
}

export async function startSetup(t: TestScope, options: SetupOptions = {}): Promise<Setup> {
  const server = await use(t, startPostgres(options.postgres));
  const { user, password, database } = server;
  const { dial = dialTcp } = options;
  const pooler = await use(
    t,
    startPooler({
      origin: { user, password, database, dial: ({ signal }) => dial(server.port, signal), ...options.origin },
      client: { ...ownCredentials, auth: options.auth ?? 'scram-sha-256' },
      listen: { host: '127.0.0.1', port: 0 },
      ...(options.answerer === undefined ? {} : { answerer: options.answerer }),
      ...(options.clock === undefined ? {} : { clock: options.clock }),
      ...(options.pool === undefined ? {} : { pool: options.pool }),
      ...options.pooler,
    }),
  );
  const { port } = pooler.address as AddressInfo;
  async function connected(config: ClientConfig): Promise<Client> {
    const client = new Client(config);
    client.on('error', () => {});
    await client.connect();
    t.after(() => client.end().catch(() => {}));
    return client;
  }
  return {
    server,
    pooler,
    port,
    url: `postgres://worker:its%20own@127.0.0.1:${port}/binding`,
    client: (config = {}) => connected({ host: '127.0.0.1', port, ...ownCredentials, ...config }),
    direct: () => connected({ host: '127.0.0.1', port: server.port, user, password, database }),
  };
}
