// The door itself: decide about a target, and open a connection to what was decided.
import type { Duplex } from 'node:stream';
import type { Rules } from './address-judge.ts';
import { type Clock, systemClock } from './clock.ts';
import { type Deadline, startDeadline, untilAborted } from './deadline.ts';
import type { Decision } from './decision.ts';
import type { EgressTarget } from './destination.ts';
import { describeDialFailure, toDialFailureCode } from './dial-failure.ts';
import { type Dial, type Dialled, type DialTunnel, dialTcp, noTunnels } from './dial.ts';
import { EgressError, type EgressErrorCode, toFailure } from './errors.ts';
import { dialFirst } from './happy-eyeballs.ts';
import { toHostPort } from './ip.ts';
import { judge, type Lookup } from './judge.ts';
import { createLoopCheck, type OwnListener } from './own-listeners.ts';
import type { Policy } from './policy.ts';
import { createSystemResolve, type Resolve } from './resolver.ts';
import { directRoutes, type Routes } from './routes.ts';

/** How long `open()` may take from look-up to connection, in milliseconds. */
export const defaultConnectTimeout = 10_000;

/** How long a look-up may take when nothing is to be opened, in milliseconds. */
export const resolveTimeout = 5_000;

export interface EgressOptions {
  policy: Policy;
  /** How names become addresses; the operating system's resolver by default. */
  resolve?: Resolve | undefined;
  /** Which way connections go; all directly by default. */
  routes?: Routes | undefined;
  /** How one address is connected to; plain TCP by default. */
  dial?: Dial | undefined;
  /** How a destination behind a tunnel is connected to. */
  dialTunnel?: DialTunnel | undefined;
  /** Where this process listens, asked anew for each destination: connecting there is a loop. */
  ownListeners?: (() => Iterable<OwnListener>) | undefined;
  clock?: Clock | undefined;
  /** Milliseconds; 10 s by default. */
  connectTimeout?: number | undefined;
}

export interface OpenOptions {
  signal?: AbortSignal | undefined;
  /** Milliseconds from look-up to connection, instead of the default. */
  connectTimeout?: number | undefined;
  /** The stream may be a `LendingSocket`, for somebody who takes what it lends. */
  lendsReads?: boolean | undefined;
  /** There is no way to ask for port 25. */
  allowPorts25?: never;
}

export interface EgressConnection {
  /** For a direct route a `net.Socket`: half-open allowed, no Nagle delay, not flowing. */
  stream: Duplex;
  decision: Decision;
  /** `ip:port` or `[ipv6]:port`. */
  remoteAddress: string;
  localAddress: string;
}

export interface Egress {
  /** What `open()` would do, without doing it. A denial is a decision, not an error; rejects only when aborted. */
  decide(target: EgressTarget, options?: { signal?: AbortSignal | undefined }): Promise<Decision>;
  /**
   * Opens a connection to an address that policy allows.
   * @throws EgressError with `code`, `remedy`, `cause` and, when it came that far, `decision`.
   */
  open(target: EgressTarget, options?: OpenOptions): Promise<EgressConnection>;
}

export function createEgress(options: EgressOptions): Egress {
  const { policy, resolve = createSystemResolve(), routes = directRoutes, dial = dialTcp } = options;
  const {
    dialTunnel = noTunnels,
    ownListeners = () => [],
    clock = systemClock,
    connectTimeout = defaultConnectTimeout,
  } = options;
  const rules: Rules = { policy, routes, isLoop: createLoopCheck(ownListeners) };

  const lookupWithin =
    (deadline: Deadline): Lookup =>
    async (name) => {
      const { signal } = deadline;
      try {
        return await untilAborted(resolve(name, { signal }), { signal });
      } catch (cause) {
        if (!signal.aborted) throw cause;
        const failure = deadline.expired
          ? toFailure('dns_timeout', { detail: `${name} was not resolved in time` })
          : toFailure('aborted', { detail: `The caller gave up while ${name} was being resolved` });
        throw new EgressError(failure, { cause });
      }
    };

  const dialDecided = async (
    decision: Decision,
    port: number,
    { deadline, lendsReads }: { deadline: Deadline; lendsReads: boolean | undefined },
  ): Promise<Dialled> => {
    const { route, destination, addresses } = decision;
    const targets = addresses.map((address) => ({ address, port }));
    const { signal } = deadline;
    try {
      const dialled =
        route.kind === 'direct'
          ? dialFirst(targets, { dial: (to, given) => dial(to, { ...given, lendsReads }), clock, signal })
          : dialTunnel(route, { host: addresses[0] ?? destination!.host, port }, { signal });
      return await untilAborted(dialled, { signal, onLate: ({ stream }) => stream.destroy() });
    } catch (cause) {
      const where = addresses.join(', ') || toHostPort(destination!.host, port);
      const fail = (code: EgressErrorCode, what: string): EgressError =>
        new EgressError(toFailure(code, { port, detail: `${where} port ${port}: ${what}` }), { cause, decision });
      if (deadline.expired) throw fail('connection_timeout', 'no answer in time');
      if (signal.aborted) throw fail('aborted', 'the caller gave up');
      // A tunnel knows more than this machine does.
      if (cause instanceof EgressError) throw new EgressError(cause, { cause: cause.cause, decision });
      throw fail(toDialFailureCode(cause), describeDialFailure(cause));
    }
  };

  return {
    async decide(target, { signal } = {}) {
      const lookup: Lookup = async (name) => {
        const deadline = startDeadline(resolveTimeout, { clock, signal });
        try {
          return await lookupWithin(deadline)(name);
        } finally {
          deadline.release();
        }
      };
      return (await judge(target, rules, lookup)).decision;
    },

    async open(target, { signal, connectTimeout: timeout = connectTimeout, lendsReads } = {}) {
      if (signal?.aborted === true) {
        const failure = toFailure('aborted', { detail: 'The signal was aborted before the call' });
        throw new EgressError(failure, { cause: signal.reason });
      }
      const deadline = startDeadline(timeout, { clock, signal });
      try {
        const { decision, cause } = await judge(target, rules, lookupWithin(deadline));
        if (decision.code !== 'allowed') {
          throw new EgressError({ ...decision, code: decision.code }, { cause, decision });
        }
        return { decision, ...(await dialDecided(decision, target.port, { deadline, lendsReads })) };
      } finally {
        deadline.release();
      }
    },
  };
}
