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
  maxControlLength,
  type NameQuestion,
  NodeTransport,
  type OpenMessage,
  parseOpen,
  parseQuestion,
  parseTls,
  SocketError,
  systemClock,
  toFailed,
  type TransportEvents,
  writeHeader,
} from '@sallyport/sockets/internal';
import { decisionOf, dialThrough, reasonOf } from './egress-dial.ts';
import type { OnGatewayEvent } from './events.ts';
import type { NameService } from './name-service.ts';
import { OrderedSteps } from './ordered-steps.ts';
import type { Wakefulness } from './wakefulness.ts';

/** Bytes queued towards the Worker above which the origin is not read. */
export const maxQueuedBytes = 131_072;
/** A smaller chunk is copied behind its header; a larger one is sent as a second buffer of the same system call. */
const copyBelow = 16_384;
/** Milliseconds a Worker has to say what it wants, once connected. */
export const openTimeout = 10_000;
/** Milliseconds a Worker has to hang up after it was told why its connection failed. */
const farewellTimeout = 5_000;
/** Milliseconds an origin may take nothing before the Worker is asked whether it is still there. */
export const probeInterval = 60_000;

export interface SessionParts {
  egress: Egress;
  names: NameService;
  findTrust: FindTrust;
  onEvent: OnGatewayEvent;
  wakefulness: Wakefulness;
}

/** What the Worker may say next: `open`; nothing but data and `end`; `startTls` too. A Worker's frames are not trusted. */
type Stage = 'new' | 'opening' | 'open' | 'secure' | 'ended';

export class SocketSession {
  readonly #worker: Duplex;
  readonly #parts: SessionParts;
  readonly #parser: FrameParser;
  #timer: NodeJS.Timeout;
  #transport: NodeTransport | undefined;
  #decision: Decision | undefined;
  #message: OpenMessage | undefined;
  #stage: Stage = 'new';
  #reported = false;
  #startedAt = 0;
  readonly #steps: OrderedSteps;
  /** Data of the chunk that is taken apart now. */
  #pieces: Uint8Array[] = [];
  #originEnded = false;
  #workerGone = false;
  #over = false;

  constructor(worker: Duplex, head: Uint8Array, parts: SessionParts) {
    this.#worker = worker;
    this.#parts = parts;
    this.#parser = new FrameParser({
      data: (piece) => this.#data(piece),
      control: (type, value) => this.#control(type, value),
    });
    this.#steps = new OrderedSteps({
      waiting: () => {
        worker.pause();
        this.#timer = setTimeout(this.#probe, probeInterval);
      },
      stepped: () => clearTimeout(this.#timer),
      idle: () => {
        worker.resume();
        this.#finishIfDone();
      },
    });
    this.#timer = setTimeout(() => this.#abandon(), openTimeout);
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
      this.#passOn();
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.#fail(new SocketError('connection_failed', { message: `Gateway protocol error: ${error.message}` }));
    }
  }

  #data(piece: Uint8Array): void {
    if (this.#over) return;
    if (this.#stage === 'new' || this.#stage === 'ended') throw new FrameError('data out of order');
    this.#pieces.push(piece);
  }

  /** What several frames of one chunk bring goes to the origin in one piece. */
  #passOn(): void {
    const pieces = this.#pieces;
    const [first] = pieces;
    if (first === undefined) return;
    this.#pieces = [];
    const piece = pieces.length === 1 ? first : Buffer.concat(pieces);
    this.#steps.add(() => this.#transport?.write(piece));
  }

  #control(type: FrameType, value: unknown): void {
    if (this.#over) return;
    this.#passOn();
    if (type === frameType.resolve && this.#stage === 'new') return void this.#resolve(parseQuestion(value));
    if (type === frameType.open && this.#stage === 'new') this.#open(parseOpen(value));
    else if (type === frameType.end && this.#stage !== 'new' && this.#stage !== 'ended') {
      this.#stage = 'ended';
      this.#steps.add(() => this.#transport?.end());
    } else if (type === frameType.startTls && this.#stage === 'open' && this.#message?.secureTransport === 'starttls') {
      const options = parseTls(value);
      this.#stage = 'secure';
      this.#steps.add(() => {
        this.#transport?.startTls(options, this.#events(frameType.secured));
        return undefined;
      });
    } else throw new FrameError(`frame ${type} out of order`);
  }

  /** A question of `node:dns`: the session is over with its answer. */
  async #resolve(question: NameQuestion): Promise<void> {
    clearTimeout(this.#timer);
    this.#stage = 'ended';
    try {
      const answer = encodeControl(frameType.resolved, await this.#parts.names.answer(question));
      if (this.#over) return;
      if (answer.byteLength > maxControlLength) throw new SocketError('dns_error', { cause: new Error('too long') });
      this.#over = true;
      this.#worker.end(answer);
    } catch (error) {
      if (!(error instanceof SocketError)) throw error;
      this.#fail(error);
    }
  }

  #open(message: OpenMessage): void {
    clearTimeout(this.#timer);
    this.#message = message;
    this.#stage = 'opening';
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
        if (this.#stage === 'opening') this.#stage = 'open';
        this.#report(undefined);
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
      failed: (error, unread) => {
        this.#report(error);
        for (const chunk of unread) this.#send(chunk);
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

  #onWorkerEnd(): void {
    if (this.#stage !== 'ended' || !this.#parser.atBoundary) return this.#abandon();
    // One that only ended its half keeps the connection: this one does not read any more.
    this.#workerGone = true;
    this.#finishIfDone();
  }

  /**
   * While the origin takes nothing the Worker is not read, and its end is not seen: it would be kept for ever. Writing to one
   * that has gone fails. An empty frame means nothing to one that is there.
   */
  readonly #probe = (): void => {
    if (this.#worker.writableLength === 0) this.#worker.write(encodeFrame(frameType.data));
    this.#timer = setTimeout(this.#probe, probeInterval);
  };

  /** Both directions have ended in order, or nobody reads the other one. */
  #finishIfDone(): void {
    if (this.#over || this.#steps.busy || this.#stage !== 'ended' || !(this.#originEnded || this.#workerGone)) return;
    this.#over = true;
    clearTimeout(this.#timer);
    this.#transport?.destroy(false);
    this.#worker.end();
  }

  #fail(error: SocketError): void {
    if (this.#over) return;
    this.#over = true;
    this.#steps.drop();
    clearTimeout(this.#timer);
    this.#transport?.destroy(true);
    this.#worker.end(encodeControl(frameType.failed, toFailed(error)));
    // Closing with the Worker's bytes unread would reset its side, and the reason would be lost: what it still sends is
    // read and dropped until it has hung up.
    this.#worker.resume();
    this.#timer = setTimeout(() => this.#worker.destroy(), farewellTimeout);
  }

  #abandon(): void {
    if (!this.#over) {
      this.#over = true;
      this.#steps.drop();
      this.#transport?.destroy(true);
    }
    clearTimeout(this.#timer);
    this.#worker.destroy();
  }

  /** Once per connection: that it is up, or why it is not. */
  #report(error: SocketError | undefined): void {
    if (this.#reported) return;
    this.#reported = true;
    const { hostname, port, secureTransport } = this.#message!;
    this.#parts.onEvent({
      kind: 'socket',
      destination: `${hostname}:${port}`,
      decision: this.#decision ?? decisionOf(error),
      code: error?.code,
      message: error?.message,
      ...reasonOf(error),
      took: performance.now() - this.#startedAt,
      secure: secureTransport === 'on',
    });
  }
}
