// A client's side of an origin connection while it has one: requests go there, answers come back, and the connection
// goes when nothing is owed and nothing of the client's is left in it.
import {
  defineInspection,
  Frontend,
  MessageReader,
  toErrorResponse,
  trackedRequests,
  WireError,
} from '@sallyport/postgres-wire';
import type { MessageHandler, Verdict } from '@sallyport/postgres-wire';
import type { ClientStream } from './client-stream.ts';
import type { Recorder } from './exchange.ts';
import { HyperdriveError, queryTimedOut, toClientError } from '../errors.ts';
import { within } from '../clock.ts';
import { maxWholeQuery } from '../limits.ts';
import { countOne } from '../metrics.ts';
import type { Holder, OriginConnection } from '../origin/origin-connection.ts';
import type { OriginLinkEnds } from './origin-link-ends.ts';
import { RequestHandler } from './request-handler.ts';
import type { SessionContext } from './session-context.ts';
import { StatementLog } from './statement-log.ts';
import type { PinCause } from './session-state.ts';
import { Stopwatch, toTimeoutError } from './timeouts.ts';
import type { TimeoutLimits, Watched } from './timeouts.ts';

const inspection = defineInspection({
  side: 'frontend',
  inspect: [...trackedRequests, Frontend.Password, Frontend.Terminate],
  wholeUpToByType: new Map([
    [Frontend.Query, maxWholeQuery],
    [Frontend.Parse, maxWholeQuery],
  ]),
});

export class OriginLink implements MessageHandler, Holder, Watched {
  readonly requests: RequestHandler;
  readonly #stream: ClientStream;
  readonly #context: SessionContext;
  readonly #ends: OriginLinkEnds;
  readonly #reader: MessageReader;
  readonly #stopwatch = new Stopwatch();
  /** What it sent over the connection it has. */
  readonly #log: StatementLog;
  #connection: OriginConnection | undefined;
  #recorder: Recorder | undefined;
  #isLeaving = false;
  #isLeft = false;
  #pin: PinCause | undefined;
  /** When the oldest request that is not answered went to the origin. */
  #askedAt = 0;
  /** Chunks from the client. */
  #received = 0;
  /** What the connection had answered when it came. */
  #answersBefore = 0;

  constructor(stream: ClientStream, context: SessionContext, ends: OriginLinkEnds) {
    this.#stream = stream;
    this.#context = context;
    this.#ends = ends;
    this.#reader = new MessageReader(this, inspection);
    this.#log = new StatementLog(context);
    const { registry, pool } = context;
    this.requests = new RequestHandler({
      registry,
      maxPrepared: pool.maxPrepared,
      onPin: (cause) => this.#pinTo(cause),
      onStatement: (text) => {
        if (this.#pin === undefined) this.#log.note(text);
      },
      writes: ends.writes,
    });
  }

  /** Why it keeps its connection, when it does. */
  get pin(): PinCause | undefined {
    return this.#pin;
  }

  /** Whether the client said goodbye and something it asked for is still carried out. */
  get owesLastAnswer(): boolean {
    return this.#isLeaving && (this.#connection?.tracker.outstanding ?? 0) > 0;
  }

  get isFull(): boolean {
    return this.#connection?.isFull === true;
  }

  /** Takes a connection; `recorder` sees the answer to what is sent first. */
  attach(connection: OriginConnection, recorder: Recorder | undefined): void {
    this.#connection = connection;
    this.#recorder = recorder;
    recorder?.started?.();
    this.#answersBefore = connection.answers;
    connection.link(this);
    connection.written = this.#ends.writes;
    this.#stopwatch.restart();
    this.#context.watch.add(this);
  }

  /** Ends what takes too long. */
  look(limits: TimeoutLimits, now: number): void {
    const connection = this.#connection!;
    const received = this.#reader.atBoundary ? undefined : this.#received;
    const overdue = this.#stopwatch.look(connection, limits, { now, received });
    if (overdue === 'query') this.#timeOut(connection, limits.queryTimeout);
    else if (overdue !== undefined) this.#ends.end(toTimeoutError(overdue, limits));
  }

  #timeOut(connection: OriginConnection, limit: number): void {
    const { code, report } = queryTimedOut(limit);
    countOne(this.#context.metrics.errors, code);
    connection.cancelReason = toErrorResponse(report);
    void this.#cancel(connection);
  }

  async #cancel(connection: OriginConnection): Promise<void> {
    await this.#context.pool.cancel(connection);
    if (this.#connection === connection && connection.tracker.outstanding === 0) this.originSettled();
  }

  /** Sends what the client sent. */
  process(chunk: Buffer): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    this.#received += 1;
    if (connection.tracker.outstanding > 0) this.#stopRecording();
    else this.#askedAt = this.#context.clock.now();
    connection.cork();
    try {
      this.#reader.push(chunk);
    } catch (error) {
      connection.uncork();
      this.#ends.end(toClientError(error));
      return;
    }
    connection.uncork();
    // Nothing that was sent needs an answer, such as Terminate, or the rest of a COPY that failed.
    if (connection.tracker.outstanding === 0) this.originSettled();
  }

  cancel(): void {
    if (this.#connection !== undefined && this.#connection.tracker.outstanding > 0) {
      void this.#cancel(this.#connection);
    }
  }

  /** The client takes bytes again. */
  resumeOrigin(): void {
    this.#connection?.resume();
  }

  /** Calls back when the connection takes bytes again, if the client has it still. */
  onDrain(callback: () => void): void {
    const connection = this.#connection!;
    connection.onDrain(() => {
      if (this.#connection === connection) callback();
    });
  }

  /** The client is gone: a transaction is rolled back, the connection goes to somebody else. */
  close(): void {
    this.#stopRecording();
    const connection = this.#detach();
    if (connection !== undefined) {
      this.#ends.writes?.lost(connection.tracker.outstanding);
      // In the middle of a message, the origin waits for bytes that will never come.
      if (!this.#reader.atBoundary) this.#context.pool.discard(connection);
      else this.#context.pool.reset(connection, this.#isClean() ? '' : 'DISCARD ALL');
    }
    this.#isLeft = true;
    this.requests.close();
  }

  fromOrigin(bytes: Buffer): boolean {
    this.#recorder?.bytes(bytes);
    return this.#stream.write(bytes);
  }

  get isFlushed(): boolean | undefined {
    return this.#stream.isFlushed;
  }

  settingChanged(): void {
    // A function may change settings without any word of it in the query.
    if (this.#pin === undefined) this.#pinTo('setting-changed');
  }

  originSettled(): void {
    const { tracker, answers } = this.#connection!;
    if (this.#askedAt > 0) this.#context.metrics.querySeconds.observe(this.#context.clock.now() - this.#askedAt);
    this.#askedAt = 0;
    const recorder = this.#recorder;
    this.#recorder = undefined;
    recorder?.settled(tracker.status);
    if (this.#isLeaving) this.#ends.close();
    else if (this.#pin !== undefined || !this.#reader.atBoundary) return;
    else if (tracker.idle) this.#giveBack();
    else if (tracker.onlyPrepares && (answers === this.#answersBefore || this.#isClean())) this.#giveBackPrepared();
  }

  originLost(error: HyperdriveError): void {
    this.#ends.writes?.lost(this.#connection?.tracker.outstanding ?? 0);
    this.#detach();
    this.#ends.end(error);
  }

  message(type: number, bytes: Buffer, start: number, end: number): Verdict {
    if (type === Frontend.Password) throw new WireError('unknown_message', 'a password after the login');
    if (this.#isLeaving) return false;
    this.#isLeaving = type === Frontend.Terminate;
    return this.requests.message(this.#connection!, type, { bytes, start, end });
  }

  large(type: number, prefix: Buffer): Verdict {
    if (type === Frontend.Password) throw new WireError('unknown_message', 'a password after the login');
    return this.requests.large(this.#connection!, type, prefix);
  }

  pass(bytes: Buffer): void {
    this.#connection!.write(bytes);
  }

  /** Whether nothing of this client's is in the connection, as far as can be known. */
  #isClean(): boolean {
    return this.#pin === undefined && this.#log.judge() === 'stateless';
  }

  #giveBack(): void {
    if (this.#isClean()) this.#unlink(this.#detach()!);
    else if (this.#log.judge() === 'stateful') this.#pinTo('function');
    // One that is being cancelled is not free for a query of ours: it is looked at when that is over.
    else if (this.#connection!.cancelling === 0) void this.#findOut();
  }

  /**
   * What drivers do that ask for types first: Parse, Describe and Flush, and the rest when the answer is there. Nothing was
   * carried out, so the Sync can be ours, and what comes next may be answered by the cache.
   */
  #giveBackPrepared(): void {
    const connection = this.#detach()!;
    const { pool, clock } = this.#context;
    connection.unlink();
    this.#forget();
    within(pool.limits.checkTimeout, connection.sync(), clock).then(
      () => pool.release(connection),
      () => pool.discard(connection),
    );
    this.#ends.unlinked();
  }

  async #findOut(): Promise<void> {
    const connection = this.#detach()!;
    const { pool } = this.#context;
    connection.unlink();
    this.#ends.lent();
    const judged = await this.#log.findOut(connection, pool);
    if (this.#isLeft) pool.reset(connection, judged === 'stateless' ? '' : 'DISCARD ALL');
    else if (judged === 'stateless') this.#unlink(connection);
    else if (connection.isClosed) {
      this.#ends.end(new HyperdriveError('connection_lost', 'The connection to the database was lost'));
    } else {
      this.#pinTo(judged === 'stateful' ? 'function' : 'unknown-function');
      this.attach(connection, undefined);
      this.#ends.kept();
    }
  }

  #unlink(connection: OriginConnection): void {
    this.#forget();
    this.#context.pool.release(connection);
    this.#ends.unlinked();
  }

  #forget(): void {
    this.#log.clear();
    this.requests.compact();
  }

  #detach(): OriginConnection | undefined {
    const connection = this.#connection;
    this.#connection = undefined;
    this.#context.watch.delete(this);
    return connection;
  }

  #stopRecording(): void {
    const recorder = this.#recorder;
    this.#recorder = undefined;
    recorder?.lost();
  }

  #pinTo(cause: PinCause): void {
    if (this.#pin !== undefined) return;
    this.#pin = cause;
    this.#log.clear();
    countOne(this.#context.metrics.pins, cause);
  }
}
