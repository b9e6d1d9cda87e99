// Node's HTTP connection pool over egress: every connection a `fetch()` uses was decided and dialled by it.
import { Agent, type ClientRequest, type ClientRequestArgs } from 'node:http';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { Decision, Egress } from '@sallyport/egress';
import {
  type FindTrust,
  fromHandshake,
  fromTlsAlert,
  isTlsAlert,
  SocketError,
  startTlsOver,
  type TlsTrust,
  toTlsError,
} from '@sallyport/sockets/internal';
import { dialThrough, Refusal } from './egress-dial.ts';

/** Idle connections kept per destination, and for how long (milliseconds). */
const maxIdleSockets = 32;
const idleTimeout = 15_000;
/** Milliseconds for the TLS handshake of a `fetch()`. */
const handshakeTimeout = 15_000;

/** What was decided about a connection, for as long as it is kept. */
const decisions = new WeakMap<Duplex, Decision>();

/** The decision behind a connection of an `EgressAgent`. */
export function decisionBehind(stream: Duplex | null | undefined): Decision | undefined {
  return stream == null ? undefined : decisions.get(stream);
}

/** What a connection's TLS was made with. */
const trusts = new WeakMap<Duplex, TlsTrust>();

/** Connections on which an answer has come. */
const answered = new WeakSet<Duplex>();

/**
 * An error of a request, with what TLS was made with when it may have to do with that: servers refuse a client
 * certificate late, by an alert after the handshake or by hanging up [RFC 8446 4.4.2.4].
 */
export function fromRequestError(error: Error, stream: Duplex | null): Error {
  if (stream === null) return error;
  const trust = trusts.get(stream);
  if (isTlsAlert(error)) return fromTlsAlert(error, trust);
  const { code } = error as { code?: string };
  const hungUp = code === 'ECONNRESET' || code === 'EPIPE';
  if (!hungUp || answered.has(stream) || trust?.explain === undefined) return error;
  return new SocketError('connection_lost', {
    message: error.message,
    cause: error,
    remedy: trust.explain('tls_closed'),
  });
}

/** Tells apart what connections were made with: none is used again once the settings are others. */
const numbers = new WeakMap<TlsTrust, number>();
let lastNumber = 0;

function numberOf(trust: TlsTrust): number {
  const number = numbers.get(trust) ?? (lastNumber += 1);
  numbers.set(trust, number);
  return number;
}

/** What a request asks of the agent. */
export interface TrustedRequest {
  trust?: TlsTrust | undefined;
}

type Callback = (error: Error | null, stream: Duplex) => void;

export class EgressAgent extends Agent {
  readonly #egress: Egress;
  readonly #findTrust: FindTrust;
  readonly #secure: boolean;
  readonly #abort = new AbortController();
  #retired = false;

  constructor(parts: { egress: Egress; findTrust: FindTrust; secure: boolean }) {
    super({ keepAlive: true, maxFreeSockets: maxIdleSockets, timeout: idleTimeout });
    this.#egress = parts.egress;
    this.#findTrust = parts.findTrust;
    this.#secure = parts.secure;
  }

  /** Ends idle and used connections, and those that are still being made. */
  override destroy(): void {
    this.#abort.abort();
    super.destroy();
  }

  /** Ends idle connections now, and used ones when they fall idle. */
  retire(): void {
    this.#retired = true;
    for (const sockets of Object.values(this.freeSockets)) for (const socket of sockets ?? []) socket.destroy();
  }

  override keepSocketAlive(stream: Duplex): boolean {
    // It does return whether to keep it; its types do not say so.
    const keep = super.keepSocketAlive(stream) as unknown as boolean;
    if (this.#retired || !keep) return false;
    answered.add(stream);
    stream.on('data', this.#onUnasked);
    return true;
  }

  override reuseSocket(stream: Duplex, outgoing: ClientRequest): void {
    stream.off('data', this.#onUnasked);
    super.reuseSocket(stream, outgoing);
  }

  /** What an origin says unasked is cut off with its connection: the rest of it would be read as the next answer. */
  readonly #onUnasked = function (this: Duplex): void {
    this.destroy();
  };

  /** TLS settings of a request, for its options. @throws SocketError, Refusal */
  trustFor(target: { hostname: string; port: number }): TlsTrust | undefined {
    if (!this.#secure) return undefined;
    try {
      return this.#findTrust({ ...target, hostname: target.hostname.replace(/^\[(.*)\]$/, '$1') });
    } catch (error) {
      if (error instanceof Refusal) throw error;
      throw toTlsError('tls_failed', 'connect', error, (error as { remedy?: string }).remedy);
    }
  }

  override getName(options?: ClientRequestArgs & TrustedRequest): string {
    const name = super.getName(options as Parameters<Agent['getName']>[0]);
    return options?.trust === undefined ? name : `${name}:${numberOf(options.trust)}`;
  }

  override createConnection(options: ClientRequestArgs & TrustedRequest, callback?: Callback): undefined {
    const target = { hostname: String(options.host), port: Number(options.port) };
    this.#connect(target, options.trust).then(
      (stream) => {
        // An idle connection that the origin has ended would be used again, and nobody would ever answer.
        stream.allowHalfOpen = false;
        callback?.(null, stream);
      },
      (error: Error) => callback?.(error, undefined as unknown as Duplex),
    );
    return undefined;
  }

  async #connect(target: { hostname: string; port: number }, trust: TlsTrust | undefined): Promise<Duplex> {
    const { signal } = this.#abort;
    const { stream, decision } = await dialThrough(this.#egress, target, { signal });
    if (!this.#secure) {
      decisions.set(stream, decision);
      return stream;
    }
    const hostname = target.hostname.replace(/^\[(.*)\]$/, '$1');
    const secure = startTls(stream, hostname, trust);
    const onAbort = (): void => void secure.destroy(new SocketError('aborted'));
    signal.addEventListener('abort', onAbort, { once: true });
    const failure = await new Promise<unknown>((resolve) => {
      const timer = setTimeout(() => settle(new SocketError('tls_timeout')), handshakeTimeout);
      const settle = (error?: unknown): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
        secure.off('error', settle).off('secureConnect', settle);
        resolve(error);
      };
      secure.on('error', settle).on('secureConnect', settle);
    });
    if (failure === undefined) {
      decisions.set(secure, decision);
      if (trust !== undefined) trusts.set(secure, trust);
      return secure;
    }
    secure.on('error', () => {});
    secure.destroy();
    throw failure instanceof SocketError ? failure : fromFetchHandshake(failure, trust);
  }
}

/** `fetch()` has no startTls(), and OpenSSL's words for an answer that is no TLS are about a version. */
function fromFetchHandshake(failure: unknown, trust: TlsTrust | undefined): SocketError {
  const error = fromHandshake(failure, 'connect', trust);
  if (error.code !== 'tls_not_tls') return error;
  const cause = new Error('the port speaks no TLS', { cause: failure });
  return toTlsError(
    'tls_not_tls',
    'connect',
    cause,
    'Check the port: is it an http port? Then the URL begins with http:.',
  );
}

function startTls(stream: Duplex, hostname: string, trust: TlsTrust | undefined): TLSSocket {
  try {
    return startTlsOver(stream, hostname, { alpn: ['http/1.1'] }, trust);
  } catch (error) {
    stream.destroy();
    throw toTlsError('tls_failed', 'connect', error);
  }
}
