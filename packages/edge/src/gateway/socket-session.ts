// The far end of one Worker socket: frames from the Worker drive a Node transport, and its reports go back as frames.
//
// Backpressure: the Worker's side is paused while the origin has not taken a chunk; the origin is asked for the next
// chunk only while at most `maxQueuedBytes` wait for the Worker. A session that ends without `end` resets the origin.
import type { Duplex } from 'node:stream';
import type { Decision, Egress } from '@sallyport/egress';
import {
  encodeControl,
  encodeFrame,
  type FindTrust,
  FrameError,
  FrameParser,
  type FrameType,
  frameType,
  headerLength,
  NodeTransport,
  type OpenMessage,
  parseOpen,
  parseTls,
  SocketError,
  systemClock,
  toFailed,
  type TransportEvents,
  writeHeader,
} from '@sallyport/sockets/internal';
import { decisionOf, dialThrough } from './egress-dial.ts';
import type { OnGatewayEvent } from './events.ts';
import type { Wakefulness } from './wakefulness.ts';

/** Bytes queued towards the Worker above which the origin is not read. */
export const maxQueuedBytes = 131_072;
/** A smaller chunk is copied behind its header; a larger one is sent as a second buffer of the same system call. */
const copyBelow = 16_384;
/** Milliseconds a Worker has to say what it wants, once connected. */
export const openTimeout = 10_000;

export interface SessionParts {
  egress: Egress;
  findTrust: FindTrust;
  onEvent: OnGatewayEvent;
  wakefulness: Wakefulness;
}

export class SocketSession {
  readonly #worker: Duplex;
  readonly #parts: SessionParts;
  readonly #parser: FrameParser;
  readonly #openTimer: NodeJS.Timeout;
  #transport: NodeTransport | undefined;
  #decision: Decision | undefined;
  #message: OpenMessage | undefined;
  #startedAt = 0;
  /** Data pieces and control frames of the current chunk that wait for the origin; at most one chunk's worth. */
  #backlog: (() => Promise<void> | undefined)[] = [];
  #busy = false;
  #originEnded = false;
  #workerEnded = false;
  #over = false;

  constructor(worker: Duplex, head: Uint8Array, parts: SessionParts) {
    this.#worker = worker;
    this.#parts = parts;
    this.#parser = new FrameParser({
      data: (piece) => this.#enqueue(() => this.#transport?.write(piece)),
      control: (type, value) => this.#control(type, value),
    });
    this.#openTimer = setTimeout(() => this.#abandon(), openTimeout);
    worker.on('data', (chunk: Buffer<ArrayBuffer>) => this.#push(chunk));
    worker.on('end', () => this.#onWorkerEnd());
    worker.on('error', () => this.#abandon());
    worker.on('close', () => this.#abandon());
    worker.on('drain', () => this.#pull());
    if (head.byteLength > 0) this.#push(new Uint8Array(head));
  }

  #push(chunk: Uint8Array<ArrayBuffer>): void {
    if (this.#over) return;
    this.#parts.wakefulness.touch();
    try {
      this.#parser.push(chunk);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.#fail(new SocketError('connection_failed', { message: `Gateway protocol error: ${error.message}` }));
    }
  }

  #control(type: FrameType, value: unknown): void {
    if (type === frameType.open && this.#message === undefined) this.#open(parseOpen(value));
    else if (type === frameType.end && this.#message !== undefined) {
      this.#workerEnded = true;
      this.#enqueue(() => this.#transport?.end().catch(() => {}));
    } else if (type === frameType.startTls && this.#message?.secureTransport === 'starttls') {
      const options = parseTls(value);
      this.#enqueue(() => {
        this.#transport?.startTls(options, this.#events(frameType.secured));
        return undefined;
      });
    } else throw new FrameError(`frame ${type} out of order`);
  }

  #open(message: OpenMessage): void {
    clearTimeout(this.#openTimer);
    this.#message = message;
    this.#startedAt = performance.now();
    const { hostname, port, secureTransport, connectTimeout, tls } = message;
    this.#transport = new NodeTransport({
      address: { hostname, port, authority: `${hostname}:${port}`, scheme: undefined },
      options: { secureTransport, connectTimeout, tls, allowHalfOpen: true, highWaterMark: 0, signal: undefined },
      dial: async (_address, { signal }) => {
        // The hostname as the Worker wrote it: egress has the canonical form.
        const { stream, decision } = await dialThrough(
          this.#parts.egress,
          { hostname, port },
          { signal, connectTimeout },
        );
        this.#decision = decision;
        return stream;
      },
      findTrust: this.#parts.findTrust,
      clock: systemClock,
    });
    this.#transport.open(this.#events(frameType.opened));
  }

  #events(up: FrameType): TransportEvents {
    return {
      opened: (info) => {
        if (up === frameType.opened) this.#report(undefined);
        this.#worker.write(encodeControl(up, info));
        this.#transport?.pull();
      },
      data: (chunk) => {
        this.#parts.wakefulness.touch();
        this.#send(chunk);
        this.#pull();
      },
      ended: () => {
        this.#originEnded = true;
        this.#worker.write(encodeFrame(frameType.end));
        this.#finishIfDone();
      },
      failed: (error) => {
        if (this.#decision === undefined) this.#report(error);
        this.#fail(error);
      },
    };
  }

  #send(chunk: Uint8Array): void {
    if (chunk.byteLength < copyBelow) return void this.#worker.write(encodeFrame(frameType.data, chunk));
    const header = new Uint8Array(headerLength);
    writeHeader(header, frameType.data, chunk.byteLength);
    this.#worker.cork();
    this.#worker.write(header);
    this.#worker.write(chunk);
    this.#worker.uncork();
  }

  #pull(): void {
    if (this.#over || this.#originEnded || this.#worker.writableLength > maxQueuedBytes) return;
    this.#transport?.pull();
  }

  /** Runs one step towards the origin, in order, pausing the Worker while a step waits. */
  #enqueue(step: () => Promise<void> | undefined): void {
    if (this.#busy) {
      this.#backlog.push(step);
      return;
    }
    const pending = step();
    if (pending === undefined) return;
    this.#busy = true;
    this.#worker.pause();
    pending.then(this.#next, this.#next);
  }

  readonly #next = (): void => {
    this.#busy = false;
    if (this.#over) return;
    const steps = this.#backlog;
    this.#backlog = [];
    for (const step of steps) this.#enqueue(step);
    if (this.#busy) return;
    this.#worker.resume();
    this.#finishIfDone();
  };

  #onWorkerEnd(): void {
    if (this.#workerEnded && this.#parser.atBoundary) return;
    this.#abandon();
  }

  /** Both directions have ended in order. */
  #finishIfDone(): void {
    if (!this.#originEnded || !this.#workerEnded || this.#busy) return;
    this.#over = true;
    this.#transport?.destroy(false);
    this.#worker.end();
  }

  #fail(error: SocketError): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#openTimer);
    this.#transport?.destroy(true);
    this.#worker.end(encodeControl(frameType.failed, toFailed(error)));
    this.#worker.resume();
  }

  #abandon(): void {
    if (!this.#over) {
      this.#over = true;
      clearTimeout(this.#openTimer);
      this.#transport?.destroy(true);
    }
    this.#worker.destroy();
  }

  #report(error: SocketError | undefined): void {
    const { hostname, port, secureTransport } = this.#message!;
    this.#parts.onEvent({
      kind: 'socket',
      destination: `${hostname}:${port}`,
      decision: this.#decision ?? decisionOf(error),
      code: error?.code,
      message: error?.message,
      took: performance.now() - this.#startedAt,
      secure: secureTransport === 'on',
    });
  }
}
