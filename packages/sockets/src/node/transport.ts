// The transport on Node: a `net.Socket` (or any Duplex a host dials), and TLS over it.
//
// Reading: the stream flows only while somebody asked for data; at most one chunk (64 KiB) is held here beyond what
// Node itself buffers. Writing: Node tries the system call at once, so most writes need no promise.
import type { Socket as NetSocket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { ParsedAddress } from '../address.ts';
import type { Clock } from '../clock.ts';
import { createDeferred, type Deferred } from '../deferred.ts';
import type { CheckedOptions, TlsOptions } from '../options.ts';
import { SocketError, toConnectError, toTlsError } from '../socket-error.ts';
import type { SocketInfo, Transport, TransportEvents } from '../transport.ts';
import type { Dial } from './dial.ts';
import { fromBrokenConnection, fromConnectFailure } from './system-errors.ts';
import { type FindTrust, isTlsAlert, startTlsOver, tlsErrorCode } from './tls.ts';

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
  readonly #abort = new AbortController();
  #events!: TransportEvents;
  #stream: Duplex | undefined;
  #phase: Phase = 'idle';
  #handshake: 'connect' | 'startTls' = 'connect';
  #timer: unknown;
  #wanted = false;
  #flowing = false;
  #held: Uint8Array<ArrayBuffer> | undefined;
  #ended = false;
  /** Settles when there is a stream to write to; made only when somebody writes before that. */
  #dialled: Deferred<Duplex> | undefined;
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
      const dialled = this.#init.dial(
        { hostname: this.#hostname, port: this.#init.address.port },
        { signal: this.#abort.signal },
      );
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
    if (stream === undefined) return this.#untilDialled().then(() => this.write(bytes));
    this.#submitted += 1;
    stream.write(bytes, this.#onFlushed);
    if (stream.writableLength === 0) return undefined;
    this.#pending = createDeferred();
    return this.#pending.promise;
  }

  async end(): Promise<void> {
    const stream = this.#stream ?? (await this.#untilDialled());
    await new Promise<void>((resolve, reject) => {
      stream.end((error?: Error | null) => (error ? reject(error) : resolve()));
    });
  }

  startTls(options: TlsOptions, events: TransportEvents): void {
    const plain = this.#stream!;
    this.#events = events;
    this.#handshake = 'startTls';
    this.#wanted = false;
    this.#startTimer();
    if (this.#held !== undefined || plain.readableLength > 0 || this.#ended) {
      const code = this.#held === undefined && this.#ended ? 'tls_closed' : 'tls_early_plaintext';
      return this.#fail(toTlsError(code, 'startTls', undefined));
    }
    plain.off('data', this.#onData).off('end', this.#onEnd).off('close', this.#onClose);
    this.#secure(plain, options);
  }

  destroy(reset: boolean): void {
    if (this.#phase === 'over') return;
    this.#phase = 'over';
    this.#init.clock.clearTimeout(this.#timer);
    this.#abort.abort();
    this.#held = undefined;
    this.#dialled?.reject(new SocketError('closed'));
    const stream = this.#stream;
    if (stream === undefined) return;
    if (reset && 'resetAndDestroy' in stream && !('encrypted' in stream)) (stream as NetSocket).resetAndDestroy();
    else stream.destroy();
  }

  #adopt(stream: Duplex): void {
    // The dialler's promise may arrive after close().
    stream.on('error', this.#onError);
    if (this.#phase === 'over') return void stream.destroy();
    if (this.#init.options.secureTransport === 'on') this.#secure(stream, this.#init.options.tls);
    else {
      this.#watch(stream);
      if ((stream as NetSocket).connecting) stream.once('connect', this.#onOpen);
      else queueMicrotask(this.#onOpen);
    }
  }

  #secure(plain: Duplex, options: TlsOptions): void {
    const { hostname, port } = { hostname: this.#hostname, port: this.#init.address.port };
    const secure = startTlsOver(plain, hostname, options, this.#init.findTrust({ hostname, port }));
    this.#phase = (plain as NetSocket).connecting ? 'dialling' : 'handshake';
    if (this.#phase === 'dialling') plain.once('connect', () => (this.#phase = 'handshake'));
    secure.on('error', this.#onError);
    secure.once('secureConnect', this.#onOpen);
    this.#flowing = false;
    this.#watch(secure);
  }

  /** Uses a stream from now on. */
  #watch(stream: Duplex): void {
    this.#stream = stream;
    stream.on('close', this.#onClose);
    if (this.#wanted) this.#flow(stream);
    this.#dialled?.resolve(stream);
  }

  #flow(stream: Duplex): void {
    if (this.#flowing) return;
    this.#flowing = true;
    if (stream.listenerCount('data') === 0) stream.on('data', this.#onData).once('end', this.#onEnd);
    stream.resume();
  }

  #untilDialled(): Promise<Duplex> {
    this.#dialled ??= createDeferred();
    return this.#dialled.promise;
  }

  readonly #onOpen = (): void => {
    if (this.#phase === 'over') return;
    this.#phase = 'open';
    this.#init.clock.clearTimeout(this.#timer);
    this.#events.opened(this.#info());
  };

  readonly #onData = (chunk: Buffer): void => {
    const bytes = toOwnBytes(chunk);
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
    if (this.#phase === 'dialling') this.#connectFailed(error);
    else if (this.#phase === 'handshake') this.#fail(toTlsError(tlsErrorCode(error), this.#handshake, error));
    else this.#fail(isTlsAlert(error) ? fromAlert(error) : fromBrokenConnection(error));
  };

  readonly #onClose = (): void => {
    // An orderly close has both an end of stream and our own FIN; anything else is a loss that no 'error' reported.
    if (!this.#ended) this.#onError(Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' }));
  };

  readonly #onFlushed = (error?: Error | null): void => {
    this.#flushed += 1;
    if (this.#flushed !== this.#submitted) return;
    const pending = this.#pending;
    this.#pending = undefined;
    if (error) pending?.reject(fromBrokenConnection(error));
    else pending?.resolve();
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
    this.#dialled?.reject(error);
    this.destroy(true);
    this.#pending?.reject(error);
    this.#events.failed(error);
  }

  #info(): SocketInfo {
    const stream = this.#stream as Partial<TLSSocket>;
    return {
      remoteAddress: toAuthority(stream.remoteAddress, stream.remotePort) ?? this.#init.address.authority,
      localAddress: toAuthority(stream.localAddress, stream.localPort) ?? null,
      alpn: stream.alpnProtocol || null,
    };
  }
}

function fromAlert(error: unknown): SocketError {
  const code = tlsErrorCode(error);
  const message = `Network connection lost. TLS: ${(error as Error).message}`;
  return new SocketError(code, { message, cause: error });
}

/** A chunk that owns its whole buffer, because a byte stream takes the buffer over. Node's own reads do already. */
function toOwnBytes(chunk: Buffer): Uint8Array<ArrayBuffer> {
  return chunk.byteLength === chunk.buffer.byteLength && chunk.buffer instanceof ArrayBuffer
    ? new Uint8Array(chunk.buffer)
    : new Uint8Array(chunk);
}

/** `ip:port`, with brackets around IPv6. */
export function toAuthority(address: string | undefined, port: number | undefined): string | undefined {
  if (address === undefined || port === undefined) return undefined;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
