// The transport on Node: a `net.Socket` (or any Duplex a host dials), and TLS over it.
//
// Reading: the stream flows only while somebody asked for data; at most one chunk (64 KiB) is held here beyond what
// Node itself buffers. Writing: Node tries the system call at once, so most writes need no promise.
import { Socket as NetSocket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import type { ParsedAddress } from '../address.ts';
import type { Clock } from '../clock.ts';
import { createDeferred, type Deferred } from '../deferred.ts';
import type { CheckedOptions } from '../options.ts';
import { type SocketError, toConnectError, toTlsError } from '../socket-error.ts';
import type { TlsRequest } from '../tls-request.ts';
import type { SocketInfo, Transport, TransportEvents } from '../transport.ts';
import { toAuthority } from './authority.ts';
import { AbortableDial, type Dial } from './dial.ts';
import { fromBrokenConnection, fromConnectFailure } from './system-errors.ts';
import { describeTls } from './tls-material.ts';
import { type FindTrust, fromHandshake, fromTlsAlert, isTlsAlert, startTlsOver, type TlsTrust } from './tls.ts';

export interface NodeTransportInit {
  address: ParsedAddress;
  options: CheckedOptions;
  dial: Dial;
  findTrust: FindTrust;
  clock: Clock;
}

type Phase = 'idle' | 'dialling' | 'handshake' | 'open' | 'over';

export class NodeTransport implements Transport {
  readonly #init: NodeTransportInit;
  /** The hostname without the brackets of an IPv6 address. */
  readonly #hostname: string;
  readonly #dialling = new AbortableDial();
  #events!: TransportEvents;
  /** What the host dialled. */
  #dialledStream: Duplex | undefined;
  /** What bytes go through: the same, or TLS over it. */
  #stream: Duplex | undefined;
  #phase: Phase = 'idle';
  #handshake: 'connect' | 'startTls' = 'connect';
  #trust: TlsTrust | undefined;
  #timer: unknown;
  #describes = false;
  #wanted = false;
  #flowing = false;
  #held: Uint8Array<ArrayBuffer> | undefined;
  #ended = false;
  /** Settles when there is a stream to write to; made only when somebody writes before that. */
  #usable: Deferred<Duplex> | undefined;
  #submitted = 0;
  #flushed = 0;
  #pending: Deferred<void> | undefined;

  constructor(init: NodeTransportInit) {
    this.#init = init;
    this.#hostname = init.address.hostname.replace(/^\[(.*)\]$/, '$1');
  }

  open(events: TransportEvents): void {
    this.#events = events;
    this.#phase = 'dialling';
    this.#startTimer();
    try {
      const dialled = this.#init.dial({ hostname: this.#hostname, port: this.#init.address.port }, this.#dialling);
      if (dialled instanceof Promise) {
        dialled.then(
          (stream) => this.#adopt(stream),
          (error) => this.#connectFailed(error),
        );
      } else this.#adopt(dialled);
    } catch (error) {
      queueMicrotask(() => this.#connectFailed(error));
    }
  }

  pull(): void {
    if (this.#held !== undefined) {
      const chunk = this.#held;
      this.#held = undefined;
      this.#events.data(chunk);
    } else if (this.#ended) this.#events.ended();
    else {
      this.#wanted = true;
      if (this.#stream !== undefined) this.#flow(this.#stream);
    }
  }

  write(bytes: Uint8Array): Promise<void> | undefined {
    const stream = this.#stream;
    if (stream === undefined) return this.#untilUsable().then(() => this.write(bytes));
    this.#submitted += 1;
    stream.write(bytes, this.#onFlushed);
    if (stream.writableLength === 0) return undefined;
    this.#pending = createDeferred();
    return this.#pending.promise;
  }

  async end(): Promise<void> {
    const stream = this.#stream ?? (await this.#untilUsable());
    // When it does not end in order, 'error' or 'close' tells why.
    await new Promise<void>((resolve) => stream.end((error?: Error | null) => (error ? undefined : resolve())));
  }

  startTls(options: TlsRequest, events: TransportEvents): void {
    const plain = this.#stream!;
    this.#events = events;
    this.#handshake = 'startTls';
    this.#wanted = false;
    this.#startTimer();
    if (this.#held !== undefined || plain.readableLength > 0 || this.#ended) {
      const code = this.#held === undefined && this.#ended ? 'tls_closed' : 'tls_early_plaintext';
      return this.#fail(toTlsError(code, 'startTls', undefined));
    }
    plain.off('data', this.#onData).off('end', this.#onEnd);
    this.#secure(plain, options);
  }

  destroy(reset: boolean): void {
    if (this.#phase === 'over') return;
    if (this.#phase === 'dialling') this.#dialling.abort();
    this.#phase = 'over';
    this.#init.clock.clearTimeout(this.#timer);
    this.#held = undefined;
    const stream = this.#stream ?? this.#dialledStream;
    if (stream === undefined) return;
    if (reset && canReset(stream)) stream.resetAndDestroy();
    else stream.destroy();
  }

  #adopt(stream: Duplex): void {
    stream.on('error', this.#onError);
    // The dialler's promise may arrive after close().
    if (this.#phase === 'over') return void stream.destroy();
    this.#dialledStream = stream;
    stream.on('close', this.#onClose);
    const isTls = this.#init.options.secureTransport === 'on';
    const onConnect = (): void => {
      if (this.#phase === 'over') return;
      if (isTls) this.#secure(stream, this.#init.options.tls);
      else this.#onOpen();
    };
    if (!isTls) this.#use(stream);
    // TLS waits for the connection: Node replaces the handle of a socket while it tries one address after another.
    // Early writes go out first: Node sends them in a listener behind this one.
    if ((stream as NetSocket).connecting) stream.once('connect', () => queueMicrotask(onConnect));
    else queueMicrotask(onConnect);
  }

  #secure(plain: Duplex, options: TlsRequest): void {
    const { hostname, port } = { hostname: this.#hostname, port: this.#init.address.port };
    this.#phase = 'handshake';
    this.#describes = options.describe === true;
    // TLS reports the end of what is below it after everything that came before was read.
    plain.off('close', this.#onClose);
    try {
      const trust = this.#init.findTrust({ hostname, port });
      // What the host says of its settings is not about what a program brought.
      this.#trust = options.material === undefined ? trust : undefined;
      const secure = startTlsOver(plain, hostname, options, trust);
      secure.on('error', this.#onError).on('close', this.#onClose).once('secureConnect', this.#onOpen);
      this.#use(secure);
    } catch (error) {
      // The host's trust is not PEM, or finding it failed.
      this.#fail(toTlsError('tls_failed', this.#handshake, error, (error as { remedy?: string }).remedy));
    }
  }

  /** Bytes go through this stream from now on. */
  #use(stream: Duplex): void {
    this.#stream = stream;
    this.#flowing = false;
    stream.on('end', this.#onEnd);
    if (this.#wanted) this.#flow(stream);
    this.#usable?.resolve(stream);
  }

  #flow(stream: Duplex): void {
    if (this.#flowing) return;
    this.#flowing = true;
    stream.off('data', this.#onData).on('data', this.#onData).resume();
  }

  #untilUsable(): Promise<Duplex> {
    this.#usable ??= createDeferred();
    return this.#usable.promise;
  }

  readonly #onOpen = (): void => {
    if (this.#phase === 'over') return;
    this.#phase = 'open';
    this.#init.clock.clearTimeout(this.#timer);
    this.#events.opened(this.#info());
  };

  readonly #onData = (chunk: Buffer): void => {
    const bytes = this.#toOwnBytes(chunk);
    if (this.#wanted) {
      this.#wanted = false;
      this.#events.data(bytes);
      return;
    }
    this.#held = bytes;
    this.#flowing = false;
    this.#stream?.pause();
  };

  readonly #onEnd = (): void => {
    this.#ended = true;
    if (!this.#wanted) return;
    this.#wanted = false;
    this.#events.ended();
  };

  readonly #onError = (error: unknown): void => {
    // Errors are costly to make, and after our own destroy() nobody asks for one.
    if (this.#phase === 'over') return;
    if (this.#phase === 'dialling') this.#connectFailed(error);
    else if (this.#phase === 'handshake') this.#fail(fromHandshake(error, this.#handshake, this.#trust));
    else this.#fail(isTlsAlert(error) ? fromTlsAlert(error, this.#trust) : fromBrokenConnection(error));
  };

  readonly #onClose = (): void => {
    // An orderly close has both an end of stream and our own FIN; anything else is a loss that no 'error' reported.
    if (this.#phase === 'over' || (this.#ended && this.#stream?.writableFinished)) return;
    this.#onError(Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' }));
  };

  readonly #onFlushed = (error?: Error | null): void => {
    this.#flushed += 1;
    if (error || this.#flushed !== this.#submitted) return;
    this.#pending?.resolve();
    this.#pending = undefined;
  };

  #startTimer(): void {
    const { connectTimeout } = this.#init.options;
    if (connectTimeout === 0) return;
    this.#timer = this.#init.clock.setTimeout(() => {
      const cause = new Error(`no answer within ${connectTimeout} ms`);
      if (this.#phase === 'dialling') {
        this.#fail(toConnectError('connection_timeout', this.#init.address.port, cause));
      } else this.#fail(toTlsError('tls_timeout', this.#handshake, cause));
    }, connectTimeout);
  }

  #connectFailed(error: unknown): void {
    this.#fail(fromConnectFailure(error, this.#init.address.port));
  }

  #fail(error: SocketError): void {
    if (this.#phase === 'over') return;
    const unread = this.#phase === 'open' ? this.#unread() : [];
    this.destroy(true);
    this.#events.failed(error, unread);
  }

  /** What was received and not pulled: at most one chunk here and what Node buffers. */
  #unread(): Uint8Array<ArrayBuffer>[] {
    const chunks = this.#held === undefined ? [] : [this.#held];
    const stream = this.#stream!.off('data', this.#onData);
    for (let chunk = stream.read() as Buffer | null; chunk !== null; chunk = stream.read() as Buffer | null) {
      chunks.push(this.#toOwnBytes(chunk));
    }
    return chunks;
  }

  /**
   * A chunk that owns its whole buffer, because a byte stream takes the buffer over. What Node reads from a socket does
   * already; a buffer from a host's own stream may be somebody else's.
   */
  #toOwnBytes(chunk: Buffer): Uint8Array<ArrayBuffer> {
    const { buffer, byteLength } = chunk;
    const isOwn = this.#stream instanceof NetSocket && buffer.byteLength === byteLength;
    return isOwn ? new Uint8Array(buffer as ArrayBuffer) : new Uint8Array(chunk);
  }

  #info(): SocketInfo {
    const stream = this.#stream as Partial<TLSSocket>;
    return {
      remoteAddress: toAuthority(stream.remoteAddress, stream.remotePort) ?? this.#init.address.authority,
      localAddress: toAuthority(stream.localAddress, stream.localPort) ?? null,
      alpn: stream.alpnProtocol || null,
      ...(this.#describes && { tls: describeTls(stream as TLSSocket) }),
    };
  }
}

/**
 * Only TCP has a reset, and only once it is connected: before that, Node would wait for the connection. While our FIN is
 * being sent, libuv refuses to reset, and Node then never closes the descriptor.
 */
function canReset(stream: Duplex): stream is NetSocket {
  if (!(stream instanceof NetSocket) || stream instanceof TLSSocket) return false;
  if (stream.writableEnded && !stream.writableFinished && stream.writableLength === 0) return false;
  return !stream.connecting && stream.remoteFamily !== undefined;
}
