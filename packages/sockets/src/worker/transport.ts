// The transport inside a Worker: one native connection to the edge's gateway, spoken in frames.
//
// The native connection belongs to the request that made it, and the runtime drops it when that ends.
import { connect as connectNative, type NativeSocket } from 'cloudflare:sockets';
import type { ParsedAddress } from '../address.ts';
import { createDeferred, type Deferred } from '../deferred.ts';
import type { CheckedOptions } from '../options.ts';
import { SocketError, toConnectError, toTlsError } from '../socket-error.ts';
import type { TlsRequest } from '../tls-request.ts';
import type { SocketInfo, Transport, TransportEvents } from '../transport.ts';
import { FrameParser } from '../wire/frame-parser.ts';
import {
  encodeControl,
  encodeFrame,
  type FrameType,
  frameType,
  headerLength,
  maxFrameLength,
  socketAuthority,
  writeHeader,
} from '../wire/frames.ts';
import { fromFailed, type OpenMessage } from '../wire/messages.ts';
import { createOwnership, type Ownership } from './ownership.ts';
import { SmallWrites } from './small-writes.ts';

/** One native read: a full chunk of the gateway and its header. */
const readLength = 65_536 + 64;
/** A smaller payload is copied, and the read buffer used again. */
const copyBelow = 8_192;

/** Bytes that may be on their way to the runtime while their writes are done already. */
const sendAhead = 16_384;

type Phase = 'idle' | 'opening' | 'open' | 'securing' | 'over';

export class WorkerTransport implements Transport {
  readonly #address: ParsedAddress;
  readonly #options: CheckedOptions;
  readonly #parser = new FrameParser({
    data: (piece) => this.#pieces.push(piece),
    control: (type, value) => this.#control(type, value),
  });
  #events!: TransportEvents;
  #native!: NativeSocket;
  #reader!: ReadableStreamBYOBReader;
  #writer!: WritableStreamDefaultWriter<Uint8Array>;
  #phase: Phase = 'idle';
  /** Made only when somebody writes before the connection, or its TLS, is up. */
  #usable: Deferred<void> | undefined;
  /** Made only when somebody writes to a socket that still waits for a slot. */
  #begun: Deferred<void> | undefined;
  #ownership: Ownership | undefined;
  /** Bytes sent ahead that the runtime has not taken. */
  #unsent = 0;
  #wanted = false;
  #reading = false;
  #ended = false;
  readonly #small = new SmallWrites((frame) => {
    const length = frame.byteLength - headerLength;
    writeHeader(frame, frameType.data, length);
    this.#writer.write(frame).then(() => (this.#unsent -= length), this.#unwritten);
  }, headerLength);
  #pieces: Uint8Array<ArrayBuffer>[] = [];
  #held: Uint8Array<ArrayBuffer> | undefined;
  /** What the gateway said; reported behind the bytes that came before it. */
  #failure: SocketError | undefined;
  #spare: Uint8Array<ArrayBuffer> | undefined;

  constructor(address: ParsedAddress, options: CheckedOptions) {
    this.#address = address;
    this.#options = options;
  }

  /** @throws the runtime's own error outside a handler */
  open(events: TransportEvents): void {
    this.#events = events;
    this.#native = connectNative(socketAuthority, { allowHalfOpen: true });
    this.#ownership = createOwnership();
    this.#phase = 'opening';
    this.#reader = this.#native.readable.getReader({ mode: 'byob' });
    this.#writer = this.#native.writable.getWriter();
    const { hostname, port } = this.#address;
    const { secureTransport, connectTimeout, tls } = this.#options;
    const message: OpenMessage = { hostname, port, secureTransport, connectTimeout, tls };
    void this.#send(encodeControl(frameType.open, message));
    this.#begun?.resolve();
    void this.#read();
  }

  pull(): void {
    if (this.#held !== undefined) {
      const chunk = this.#held;
      this.#held = undefined;
      this.#events.data(chunk);
      void this.#read();
    } else if (this.#ended) this.#events.ended();
    else {
      this.#wanted = true;
      void this.#read();
    }
  }

  write(bytes: Uint8Array): Promise<void> | undefined {
    const length = bytes.byteLength;
    // A few bytes are as good as sent: waiting for the runtime to say so would cost a turn of its loop per message.
    if (this.#phase === 'open' && this.#unsent + length <= sendAhead) {
      this.#unsent += length;
      if (this.#small.takes(length)) return void this.#small.add(bytes);
      return void this.#send(encodeFrame(frameType.data, bytes)).then(() => (this.#unsent -= length));
    }
    if (length <= maxFrameLength) return this.#sendInOrder(encodeFrame(frameType.data, bytes));
    const rest = bytes.subarray(maxFrameLength);
    return this.#sendInOrder(encodeFrame(frameType.data, bytes.subarray(0, maxFrameLength))).then(() =>
      this.write(rest),
    );
  }

  end(): Promise<void> {
    return this.#sendInOrder(encodeFrame(frameType.end));
  }

  refusal(): unknown {
    return this.#ownership?.refusal();
  }

  /** Sends at once, so that early bytes lose no time; done when the connection they are meant for is up, too. */
  #sendInOrder(frame: Uint8Array): Promise<void> {
    const sent = this.#send(frame);
    if (this.#phase === 'open' || this.#phase === 'over') return sent;
    this.#usable ??= createDeferred();
    const usable = this.#usable.promise;
    return sent.then(() => usable);
  }

  /** Never rejects: why a write failed is known to the gateway, whose last frame is read ahead. */
  #send(frame: Uint8Array): Promise<void> {
    this.#small.flush();
    if (this.#phase === 'idle') {
      this.#begun ??= createDeferred();
      return this.#begun.promise.then(() => this.#send(frame));
    }
    return new Promise((resolve) => {
      this.#writer.write(frame).then(resolve, this.#unwritten);
    });
  }

  readonly #unwritten = (error: unknown): void => (this.#mayRead() ? void this.#read() : this.#lost(error));

  startTls(options: TlsRequest, events: TransportEvents): void {
    this.#events = events;
    this.#phase = 'securing';
    this.#wanted = false;
    if (this.#ended) return this.#fail(toTlsError('tls_closed', 'startTls', undefined));
    if (this.#held !== undefined) return this.#fail(toTlsError('tls_early_plaintext', 'startTls', undefined));
    void this.#send(encodeControl(frameType.startTls, options));
    void this.#read();
  }

  destroy(reset: boolean): void {
    const { phase } = { phase: this.#phase };
    if (phase === 'over') return;
    this.#phase = 'over';
    this.#held = undefined;
    if (phase === 'idle') return;
    // The gateway resets a connection that ends without an `end` frame; a stalled one must not keep close() waiting.
    if (reset) this.#writer.abort().catch(() => {});
    this.#native.close().catch(() => {});
  }

  /** One chunk is read ahead, so that a failure is noticed by a Worker that only writes. */
  #mayRead(): boolean {
    return this.#phase !== 'idle' && this.#phase !== 'over' && this.#held === undefined && !this.#ended;
  }

  /** Reads until a chunk is held that nobody has asked for. */
  async #read(): Promise<void> {
    if (this.#reading) return;
    this.#reading = true;
    try {
      while (this.#mayRead()) {
        const { done, value } = await this.#reader.read(this.#spare ?? new Uint8Array(readLength));
        this.#spare = undefined;
        if (this.#isOver()) return;
        if (done || value === undefined) return this.#lost(new Error('the gateway closed the connection'));
        this.#take(value as Uint8Array<ArrayBuffer>);
      }
    } catch (error) {
      this.#lost(error);
    } finally {
      this.#reading = false;
    }
  }

  /** Whether something reported meanwhile ended the socket; apart, because the compiler cannot see it. */
  #isOver(): boolean {
    return this.#phase === 'over';
  }

  #take(bytes: Uint8Array<ArrayBuffer>): void {
    this.#pieces = [];
    this.#parser.push(bytes);
    const chunk = this.#join(bytes);
    if (this.#isOver()) return;
    if (chunk !== undefined) {
      if (this.#phase === 'securing') return this.#fail(toTlsError('tls_early_plaintext', 'startTls', undefined));
      if (this.#wanted) this.#deliver(chunk);
      else this.#held = chunk;
    } else if (this.#ended && this.#wanted) {
      this.#wanted = false;
      this.#events.ended();
    }
    if (this.#failure !== undefined) this.#fail(this.#failure);
  }

  #deliver(chunk: Uint8Array<ArrayBuffer>): void {
    this.#wanted = false;
    this.#events.data(chunk);
  }

  /** The payload of one read as one chunk, moved rather than copied when it is large and in one piece. */
  #join(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> | undefined {
    const pieces = this.#pieces;
    const [first] = pieces;
    let total = 0;
    for (const piece of pieces) total += piece.byteLength;
    if (pieces.length === 1 && total >= copyBelow) return first;
    let chunk: Uint8Array<ArrayBuffer> | undefined;
    if (total > 0) {
      chunk = new Uint8Array(total);
      let offset = 0;
      for (const piece of pieces) {
        chunk.set(piece, offset);
        offset += piece.byteLength;
      }
    }
    this.#spare = new Uint8Array(bytes.buffer);
    return chunk;
  }

  #control(type: FrameType, value: unknown): void {
    if (type === frameType.secured && this.#pieces.length > 0) {
      this.#fail(toTlsError('tls_early_plaintext', 'startTls', undefined));
    } else if (type === frameType.opened || type === frameType.secured) {
      this.#phase = 'open';
      this.#events.opened(value as SocketInfo);
      this.#usable?.resolve();
      this.#usable = undefined;
    } else if (type === frameType.end) {
      this.#ended = true;
      if (this.#phase === 'securing') this.#fail(toTlsError('tls_closed', 'startTls', undefined));
    } else if (type === frameType.failed) this.#failure = fromFailed(value);
  }

  readonly #lost = (cause: unknown): void => {
    const opening = this.#phase === 'opening';
    this.#fail(
      opening
        ? toConnectError('gateway_lost', this.#address.port, cause)
        : new SocketError('connection_lost', { cause }),
    );
  };

  #fail(error: SocketError): void {
    if (this.#phase === 'over') return;
    const unread = this.#held === undefined ? [] : [this.#held];
    this.destroy(true);
    this.#events.failed(error, unread);
  }
}
