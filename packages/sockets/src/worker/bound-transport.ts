// The transport to a Hyperdrive binding: `env.DB.host` and `env.DB.ip` are names that only this isolate's runtime knows,
// so the runtime connects natively, to the channel that the edge made for this one binding. No frames, no TLS: the
// channel never leaves the machine.
import { connect as connectNative, type NativeSocket } from 'cloudflare:sockets';
import type { ParsedAddress } from '../address.ts';
import type { CheckedOptions } from '../options.ts';
import { SocketError, toConnectError, toTlsError } from '../socket-error.ts';
import type { TlsRequest } from '../tls-request.ts';
import type { Transport, TransportEvents } from '../transport.ts';
import { createOwnership, type Ownership } from './ownership.ts';
import { SmallWrites } from './small-writes.ts';

const hostPattern = /^[0-9a-f]{32}\.hyperdrive\.local$/;
const ipPattern = /^(?:\[::ffff:)?240\.0\.\d{1,3}\.\d{1,3}\]?$/;

/** One native read. */
const readLength = 16_384;
/** A smaller chunk is copied, and the read buffer used again. */
const copyBelow = 4_096;
/** Bytes that may be on their way to the runtime while their writes are done already. */
const sendAhead = 16_384;

/** Whether an address is one that a Hyperdrive binding hands out; the runtime knows only those of this Worker. */
export function isBound({ hostname }: ParsedAddress): boolean {
  return hostPattern.test(hostname) || ipPattern.test(hostname);
}

const noTls = new Error(
  'a Hyperdrive binding is connected to without TLS, because its connection stays on the machine',
);

export class BoundTransport implements Transport {
  readonly isLocal = true;
  readonly #address: ParsedAddress;
  readonly #options: CheckedOptions;
  #events!: TransportEvents;
  #native: NativeSocket | undefined;
  #reader!: ReadableStreamBYOBReader;
  #writer!: WritableStreamDefaultWriter<Uint8Array>;
  #ownership: Ownership | undefined;
  #spare: Uint8Array<ArrayBuffer> | undefined;
  /** What was asked for while the socket waited for a slot. */
  #early: (() => void)[] = [];
  /** Bytes sent ahead that the runtime has not taken. */
  #unsent = 0;
  readonly #small = new SmallWrites((batch) => {
    const { byteLength } = batch;
    void this.#whenBegun(() => this.#writer.write(batch)).then(() => (this.#unsent -= byteLength));
  });
  #reading = false;
  #isOpen = false;
  #isOver = false;

  constructor(address: ParsedAddress, options: CheckedOptions) {
    this.#address = address;
    this.#options = options;
  }

  /** @throws the runtime's own error outside a handler */
  open(events: TransportEvents): void {
    this.#events = events;
    if (this.#options.secureTransport === 'on') {
      queueMicrotask(() => this.#fail(toTlsError('tls_failed', 'connect', noTls)));
      return;
    }
    const { hostname, port } = this.#address;
    const authority = `${hostname}:${port}`;
    const native = connectNative(authority, { allowHalfOpen: true });
    this.#native = native;
    this.#ownership = createOwnership();
    this.#reader = native.readable.getReader({ mode: 'byob' });
    this.#writer = native.writable.getWriter();
    this.#writer.closed.catch(() => {});
    native.opened.then(
      () => {
        if (this.#isOver) return;
        this.#isOpen = true;
        events.opened({ remoteAddress: authority, localAddress: null, alpn: null });
      },
      (error) => this.#fail(toConnectError('connection_failed', port, error)),
    );
    for (const begin of this.#early.splice(0)) begin();
  }

  pull(): void {
    if (this.#native === undefined) this.#early.push(() => void this.#read());
    else void this.#read();
  }

  async #read(): Promise<void> {
    // Two reads that wait are answered one after the other: the stream asks again.
    if (this.#reading) return;
    this.#reading = true;
    try {
      const { done, value } = await this.#reader.read(this.#spare ?? new Uint8Array(readLength));
      this.#spare = undefined;
      this.#reading = false;
      if (this.#isOver) return;
      if (done || value === undefined) return this.#events.ended();
      const bytes = value as Uint8Array<ArrayBuffer>;
      if (bytes.byteLength >= copyBelow) return this.#events.data(bytes);
      const chunk = bytes.slice();
      this.#spare = new Uint8Array(bytes.buffer);
      this.#events.data(chunk);
    } catch (error) {
      this.#fail(new SocketError('connection_lost', { cause: error }));
    }
  }

  write(bytes: Uint8Array): Promise<void> | undefined {
    const length = bytes.byteLength;
    const ahead = this.#isOpen && this.#unsent + length <= sendAhead;
    if (ahead) this.#unsent += length;
    if (ahead && this.#small.takes(length)) return void this.#small.add(bytes);
    // The runtime keeps what it is given; the caller may use its buffer again.
    const own = new Uint8Array(bytes);
    const sent = this.#whenBegun(() => this.#writer.write(own));
    // A few bytes are as good as sent: waiting for the runtime to say so would cost a turn of its loop per message.
    return ahead ? void sent.then(() => (this.#unsent -= length)) : sent;
  }

  end(): Promise<void> {
    return this.#whenBegun(() => this.#writer.close());
  }

  refusal(): unknown {
    return this.#ownership?.refusal();
  }

  startTls(_options: TlsRequest, events: TransportEvents): void {
    this.#events = events;
    queueMicrotask(() => this.#fail(toTlsError('tls_failed', 'startTls', noTls)));
  }

  destroy(reset: boolean): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#native === undefined) return;
    if (reset) this.#writer.abort().catch(() => {});
    this.#native.close().catch(() => {});
  }

  /** Never settles once the connection is lost: `failed` says so. */
  #whenBegun(act: () => Promise<void>): Promise<void> {
    this.#small.flush();
    return new Promise((resolve) => {
      const begin = (): void => {
        act().then(resolve, (error) => this.#fail(new SocketError('connection_lost', { cause: error })));
      };
      if (this.#native === undefined) this.#early.push(begin);
      else begin();
    });
  }

  #fail(error: SocketError): void {
    if (this.#isOver) return;
    this.destroy(true);
    this.#events.failed(error, []);
  }
}
