// A connection that several clients' reads share: they go out one behind the other, and the answers come in that order.
// Each read is its own transaction, ends in its own ReadyForQuery, and is harmless to run twice; so an error is its own,
// and whoever is held up behind a slow one is served elsewhere, its answer here being swallowed.
import { Backend, parseParameterStatus, toErrorResponse, toReadyForQuery, WireError } from '@sallyport/postgres-wire';
import type { Clock } from '../clock.ts';
import { cancelledReport, queryTimedOut } from '../errors.ts';
import type { HyperdriveError } from '../errors.ts';
import { laneIdleTicks, laneStallTime, maxLaneDepth, maxSharedAnswer } from '../limits.ts';
import type { PoolerMetrics } from '../metrics.ts';
import type { Holder, OriginConnection } from '../origin/origin-connection.ts';
import type { OriginPool } from '../origin/origin-pool.ts';
import { anybodys } from '../statements/statements.ts';
import { AnswerSplitter } from './answer-splitter.ts';
import type { AnswerHandler } from './answer-splitter.ts';
import { encodeRequest } from './encode-request.ts';
import { SharedRequest } from './shared-request.ts';
import type { SharedRequestOptions } from './shared-request.ts';

export interface LaneOptions {
  pool: OriginPool;
  clock: Clock;
  metrics: PoolerMetrics;
  /** The lane has no connection any more. */
  onEnd: (lane: Lane) => void;
}

const idleStatus = 0x49;
const cancelled = toErrorResponse(cancelledReport);

export class Lane implements Holder, AnswerHandler {
  readonly #connection: OriginConnection;
  readonly #options: LaneOptions;
  /** Sent, or about to be; the one whose answer comes is at `#head`. */
  #queue: SharedRequest[] = [];
  #head = 0;
  #parts: Buffer[] = [];
  #isOpen = true;
  #isEnded = false;
  readonly #splitter: AnswerSplitter = new AnswerSplitter(this);
  /** In the middle of a chunk: what comes behind may be the beginning of a message. */
  #isReading = false;
  /** The origin waits for the client of the first request. */
  #isPaused = false;
  #answeredAt = 0;
  #idleTicks = 0;
  /** Milliseconds that all that is queued takes, lately. */
  load = 0;

  constructor(connection: OriginConnection, options: LaneOptions) {
    this.#connection = connection;
    this.#options = options;
    connection.link(this);
    connection.unnamed = anybodys;
    connection.written = undefined;
    connection.tap = (chunk) => this.#read(chunk);
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  get depth(): number {
    return this.#queue.length - this.#head;
  }

  /** Sends a read; everything of one turn of the event loop goes out in one write. */
  send(options: SharedRequestOptions): void {
    const request = new SharedRequest(this, options);
    options.exchange.carrier = request;
    if (this.#parts.length === 0) setImmediate(() => this.#flush());
    encodeRequest(request, { connection: this.#connection, pool: this.#options.pool, parts: this.#parts });
    this.#queue.push(request);
    this.load += request.shape.time;
    this.#options.metrics.sharedQueries += 1;
  }

  /** Takes nothing new; the connection goes back as soon as it owes nothing. */
  retire(): void {
    this.#isOpen = false;
    this.#endWhenOver();
  }

  /** The pooler closes: nobody waits for what runs here. */
  close(): void {
    if (this.depth > 0) this.#discard();
    else this.retire();
  }

  /** Looks for what takes too long. */
  tick(now: number): void {
    if (now - this.#connection.createdAt >= this.#options.pool.limits.maxLifetime) this.retire();
    const head = this.#queue[this.#head];
    if (head === undefined) {
      this.#idleTicks += 1;
      if (this.#idleTicks >= laneIdleTicks) this.retire();
      return;
    }
    this.#idleTicks = 0;
    const age = now - Math.max(head.sentAt, this.#answeredAt);
    if (age < laneStallTime) return;
    this.#isOpen = false;
    this.#rescue();
    head.shape.wasSlow(age);
    const { queryTimeout } = this.#options.pool.limits;
    if (head.client !== undefined && queryTimeout > 0 && age >= queryTimeout) {
      const error = queryTimedOut(queryTimeout);
      if (head.written === 0) this.#refuse(head, toErrorResponse(error.report));
      else head.client.end(error);
    }
    if (head.client === undefined) this.#discard();
  }

  /** Its client cancels a request. The origin is told only when nobody else's can be hit. */
  cancel(request: SharedRequest): void {
    if (request.written === 0) {
      this.#refuse(request, cancelled);
      return;
    }
    const others = this.#queue.slice(this.#head).filter((other) => other !== request);
    if (!this.#isOpen && others.every(({ client }) => client === undefined)) {
      void this.#options.pool.cancel(this.#connection);
    }
  }

  drained(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#connection.resume();
  }

  /** A client left. What is left of a long answer is not waited for. */
  abandoned(request: SharedRequest): void {
    if (request.written > maxSharedAnswer) this.#discard();
  }

  part(bytes: Buffer): void {
    const request = this.#queue[this.#head];
    if (request?.client === undefined) return;
    request.written += bytes.length;
    request.exchange.recorder?.bytes(bytes);
    const takesMore = request.client.write(bytes);
    if (request.written <= maxSharedAnswer) return;
    request.shape.isBig = true;
    this.#isOpen = false;
    this.#rescue();
    if (takesMore) return;
    this.#isPaused = true;
    this.#connection.pause();
  }

  reply(type: number): boolean {
    const request = this.#queue[this.#head];
    if (request === undefined) throw new WireError('unexpected_reply', 'an answer that nobody waits for');
    if (type === Backend.ErrorResponse) {
      if (request.held !== undefined) this.#connection.held.remove(request.held);
      request.held = undefined;
      request.drops = 0;
      return true;
    }
    if (request.drops === 0) {
      if (type === Backend.ParseComplete) request.isParsed = true;
      return true;
    }
    request.drops -= 1;
    if (request.drops === 0 && request.held !== undefined) {
      this.#connection.held.confirm(request.held);
      request.held = undefined;
    }
    return false;
  }

  aside(type: number, message: Buffer): boolean {
    if (type !== Backend.ParameterStatus) return false;
    const { name, value } = parseParameterStatus(message);
    this.#connection.parameters.set(name, value);
    return this.depth > 0;
  }

  ready(status: number): void {
    const request = this.#queue[this.#head];
    if (request === undefined || status !== idleStatus) {
      throw new WireError('unexpected_reply', 'a read of a shared connection left a transaction open');
    }
    const { clock, metrics } = this.#options;
    const now = clock.now();
    const { shape, client, exchange } = request;
    this.load -= shape.time;
    shape.observe(now - Math.max(request.sentAt, this.#answeredAt));
    this.#answeredAt = now;
    this.#head += 1;
    if (this.#head === this.#queue.length) {
      this.#queue = [];
      this.#head = 0;
      this.load = 0;
    } else if (this.#head >= maxLaneDepth) {
      // A lane may never be without work: what was answered is not kept until then.
      this.#queue.splice(0, this.#head);
      this.#head = 0;
    }
    this.#connection.answers += 1;
    if (client !== undefined) {
      metrics.querySeconds.observe(now - request.sentAt);
      exchange.recorder?.settled('I');
      client.finished(request.isParsed);
    }
  }

  fromOrigin(): boolean {
    return true;
  }

  settingChanged(): void {}

  originSettled(): void {}

  originLost(error: HyperdriveError): void {
    this.#isOpen = false;
    this.#isEnded = true;
    const requests = this.#queue.slice(this.#head);
    this.#queue = [];
    this.#head = 0;
    this.#parts = [];
    this.#options.onEnd(this);
    for (const request of requests) {
      const { client } = request;
      // Nothing of the answer is out, and it is harmless to ask again.
      if (request.written === 0) this.#serveElsewhere(request);
      else client?.end(error);
    }
  }

  /** Everybody behind the first request is served elsewhere. */
  #rescue(): void {
    for (const request of this.#queue.slice(this.#head + 1)) this.#serveElsewhere(request);
  }

  #serveElsewhere(request: SharedRequest): void {
    const { client } = request;
    request.client = undefined;
    client?.declined();
  }

  /** The answer is an error of ours; that of the origin is swallowed. */
  #refuse(request: SharedRequest, error: Buffer): void {
    const { client } = request;
    request.client = undefined;
    request.exchange.recorder?.lost();
    client?.write(Buffer.concat([error, toReadyForQuery('I')]));
    client?.finished(false);
  }

  #flush(): void {
    const parts = this.#parts;
    this.#parts = [];
    if (!this.#isEnded && parts.length > 0) {
      this.#connection.write(parts.length === 1 ? parts[0]! : Buffer.concat(parts));
    }
  }

  #read(chunk: Buffer): void {
    this.#isReading = true;
    this.#splitter.push(chunk);
    this.#isReading = false;
    this.#endWhenOver();
  }

  #endWhenOver(): void {
    if (this.#isOpen || this.#isEnded || this.depth > 0) return;
    // The next holder reads from a message's beginning.
    if (this.#isReading || !this.#splitter.atBoundary) return;
    this.#isEnded = true;
    this.#options.onEnd(this);
    this.#options.pool.release(this.#connection);
  }

  /** Ends the connection with all that runs there: nobody waits for it. */
  #discard(): void {
    if (this.#isEnded) return;
    this.#isOpen = false;
    this.#isEnded = true;
    this.#rescue();
    this.#options.onEnd(this);
    void this.#options.pool.cancel(this.#connection);
    this.#options.pool.discard(this.#connection);
  }
}
