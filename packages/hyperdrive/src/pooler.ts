// A pooler in one piece: accepts clients as byte streams, or listens for them, and serves them from one origin's pool.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, ListenOptions, Server, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { toScramVerifier } from '@sallyport/postgres-wire';
import { CancelKeys } from './session/cancel-keys.ts';
import type { ClientCredentials } from './session/client-login.ts';
import { ClientSession } from './session/client-session.ts';
import type { SessionContext } from './session/session-context.ts';
import { systemClock } from './clock.ts';
import type { Clock } from './clock.ts';
import { HyperdriveError } from './errors.ts';
import type { Origin } from './origin/origin.ts';
import { OriginPool } from './origin/origin-pool.ts';
import type { PoolOptions, PoolStatus } from './origin/origin-pool.ts';
import type { PinCause } from './session/session-state.ts';
import { StatementRegistry } from './statements/statements.ts';

export interface PoolerOptions {
  origin: Origin;
  /** What a client has to say to get in. The origin never sees it, and it is of use nowhere else. */
  client: Omit<ClientCredentials, 'verifier'>;
  pool?: PoolOptions;
  /** Where to listen, as `net.Server.listen()` takes it. Default: nowhere; clients come through `accept()`. */
  listen?: ListenOptions;
  clock?: Clock;
}

export interface PoolerStatus extends PoolStatus {
  clients: number;
  /** Texts that clients have prepared. */
  statements: number;
  /** How often a connection stayed with its client, by cause. */
  pins: Readonly<Partial<Record<PinCause, number>>>;
}

export interface Pooler extends AsyncDisposable {
  readonly status: PoolerStatus;
  /** Where it listens, when it does. */
  readonly address: AddressInfo | string | null;
  /** Serves a client on a byte stream. */
  accept(stream: Duplex): void;
  /** Ends every client with an error that says so, and closes every connection. */
  close(): Promise<void>;
}

export async function startPooler(options: PoolerOptions): Promise<Pooler> {
  const { clock = systemClock, listen } = options;
  const pool = new OriginPool(options.origin, { ...options.pool, clock });
  const sessions = new Set<ClientSession>();
  const pins: Partial<Record<PinCause, number>> = {};
  const verifier = await toScramVerifier(options.client.password, { salt: randomBytes(16) });
  const context: SessionContext = {
    pool,
    clock,
    credentials: { ...options.client, verifier },
    cancelKeys: new CancelKeys(),
    registry: new StatementRegistry(),
    onPin: (cause) => (pins[cause] = (pins[cause] ?? 0) + 1),
    onClosed: (session) => sessions.delete(session),
  };

  function accept(stream: Duplex): void {
    const session = new ClientSession(stream, context);
    sessions.add(session);
    session.start();
  }

  let server: Server | undefined;
  if (listen !== undefined) {
    server = createServer({ noDelay: true }, (socket: Socket) => accept(socket));
    server.listen(listen);
    await once(server, 'listening');
  }

  async function close(): Promise<void> {
    const closed = server?.listening === true ? once(server, 'close') : undefined;
    server?.close();
    for (const session of sessions) session.end(new HyperdriveError('shutting_down', 'The pooler is shutting down'));
    pool.close();
    await closed;
  }

  return {
    get status() {
      return { ...pool.status, clients: sessions.size, statements: context.registry.size, pins };
    },
    get address() {
      return server?.address() ?? null;
    },
    accept,
    close,
    [Symbol.asyncDispose]: close,
  };
}
