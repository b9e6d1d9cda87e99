// One client, from its first byte to its last. It has an origin connection from the first message of a request to the
// end of the transaction; while it waits for one, it is not read from.
//
//   login ──▶ idle ──▶ waiting ──▶ linked ──▶ idle …        any state ──▶ closed
import type { Duplex } from 'node:stream';
import {
  defineInspection,
  Frontend,
  MessageReader,
  toErrorResponse,
  trackedRequests,
  WireError,
} from '@sallyport/postgres-wire';
import type { MessageHandler, Verdict } from '@sallyport/postgres-wire';
import type { CancelKey } from './cancel-keys.ts';
import { HyperdriveError, toClientError } from '../errors.ts';
import { farewellTimeout, maxWholeQuery } from '../limits.ts';
import { LoginPhase } from './login-phase.ts';
import type { Welcome } from './login-phase.ts';
import type { Holder, OriginConnection } from '../origin/origin-connection.ts';
import type { Waiter } from '../origin/origin-pool.ts';
import { RequestHandler } from './request-handler.ts';
import type { SessionContext } from './session-context.ts';
import type { PinCause } from './session-state.ts';

type State = 'login' | 'idle' | 'waiting' | 'linked' | 'closed';

const inspection = defineInspection({
  side: 'frontend',
  inspect: [...trackedRequests, Frontend.Password, Frontend.Terminate],
  wholeUpToByType: new Map([
    [Frontend.Query, maxWholeQuery],
    [Frontend.Parse, maxWholeQuery],
  ]),
});

export class ClientSession implements MessageHandler, Holder, Waiter {
  readonly #stream: Duplex;
  readonly #context: SessionContext;
  readonly #reader: MessageReader;
  readonly #requests: RequestHandler;
  #state: State = 'login';
  #login: LoginPhase | undefined;
  #connection: OriginConnection | undefined;
  #giveUpWaiting: () => void = () => {};
  /** What came and waits for a connection; the stream is paused meanwhile. */
  #pending: Buffer[] = [];
  #key: CancelKey | undefined;
  #isLeaving = false;
  /** A CancelRequest came while it waited. */
  #isCancelled = false;
  #pin: PinCause | undefined;
  settings = '';

  constructor(stream: Duplex, context: SessionContext) {
    this.#stream = stream;
    this.#context = context;
    this.#reader = new MessageReader(this, inspection);
    const { registry, pool } = context;
    this.#requests = new RequestHandler({
      registry,
      maxPrepared: pool.maxPrepared,
      onPin: (cause) => this.#pinTo(cause),
    });
    this.#login = new LoginPhase(stream, context, {
      client: this,
      welcomed: (welcome) => this.#welcomed(welcome),
      ended: (error) => (error === undefined ? this.close() : this.#fail(error)),
    });
  }

  /** Begins to read. */
  start(): void {
    const stream = this.#stream;
    stream.on('data', (chunk: Buffer) => this.#onData(chunk));
    stream.on('error', () => this.#left());
    stream.on('close', () => this.#left());
    stream.on('end', () => this.#left());
    stream.on('drain', () => this.#onDrain());
  }

  /** Why it keeps its connection, when it does. */
  get pin(): PinCause | undefined {
    return this.#pin;
  }

  get state(): State {
    return this.#state;
  }

  /** Ends the session: a transaction is rolled back, the connection goes to somebody else. */
  close(farewell?: Buffer): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#login?.close();
    this.#giveUpWaiting();
    this.#pending = [];
    if (this.#key !== undefined) this.#context.cancelKeys.remove(this.#key);
    const connection = this.#connection;
    this.#connection = undefined;
    if (connection !== undefined) {
      // In the middle of a message, the origin waits for bytes that will never come.
      if (!this.#reader.atBoundary) this.#context.pool.discard(connection);
      else this.#context.pool.reset(connection, this.#pin === undefined ? '' : 'DISCARD ALL');
    }
    this.#requests.close();
    if (farewell === undefined) this.#stream.destroy();
    else this.#sayFarewell(farewell);
    this.#context.onClosed(this);
  }

  /** Tells the client why, and ends. */
  end(error: HyperdriveError | WireError): void {
    this.#fail(error);
  }

  /** A CancelRequest with this client's key came. */
  cancel(): void {
    if (this.#state === 'waiting') this.#isCancelled = true;
    if (this.#connection !== undefined && this.#connection.tracker.outstanding > 0) {
      void this.#context.pool.cancel(this.#connection);
    }
  }

  granted(connection: OriginConnection): void {
    if (this.#state !== 'waiting') {
      this.#context.pool.release(connection);
      return;
    }
    this.#giveUpWaiting = () => {};
    this.#state = 'linked';
    this.#connection = connection;
    connection.link(this);
    for (const chunk of this.#pending.splice(0)) this.#process(chunk);
    if (this.#isCancelled) this.cancel();
    this.#isCancelled = false;
    if (this.#connection !== undefined && this.#connection.isFull) this.#pauseForOrigin();
    else this.#resume();
  }

  refused(error: HyperdriveError): void {
    this.#fail(error);
  }

  fromOrigin(bytes: Buffer): boolean {
    // Who said goodbye need not be there any more when the last answer comes.
    return this.#stream.destroyed || this.#stream.write(bytes);
  }

  settingChanged(): void {
    // A function may change settings without any word of it in the query.
    if (this.#pin === undefined) this.#pinTo('setting-changed');
  }

  originSettled(): void {
    if (this.#isLeaving) this.close();
    else if (this.#pin === undefined && this.#connection!.tracker.idle && this.#reader.atBoundary) this.#unlink();
  }

  originLost(error: HyperdriveError): void {
    this.#connection = undefined;
    this.#fail(error);
  }

  message(type: number, bytes: Buffer, start: number, end: number): Verdict {
    if (type === Frontend.Terminate) {
      this.#isLeaving = true;
      return false;
    }
    if (type === Frontend.Password) throw new WireError('unknown_message', 'a password after the login');
    if (this.#isLeaving) return false;
    return this.#requests.message(this.#connection!, type, { bytes, start, end });
  }

  large(type: number, prefix: Buffer): Verdict {
    if (type === Frontend.Password) throw new WireError('unknown_message', 'a password after the login');
    return this.#requests.large(this.#connection!, type, prefix);
  }

  pass(bytes: Buffer): void {
    this.#connection!.write(bytes);
  }

  /** The stream ended. Who said goodbye first gets everything carried out that it asked for, as from the origin. */
  #left(): void {
    const owes = this.#isLeaving && (this.#connection?.tracker.outstanding ?? 0) > 0;
    if (!owes) this.close();
  }

  #onData(chunk: Buffer): void {
    if (this.#state === 'linked') {
      this.#process(chunk);
      if (this.#connection?.isFull === true) this.#pauseForOrigin();
    } else if (this.#state === 'idle') this.#begin(chunk);
    else if (this.#state === 'login') this.#login!.push(chunk);
    else if (this.#state === 'waiting') this.#pending.push(chunk);
  }

  /** A request begins: it needs a connection. */
  #begin(chunk: Buffer): void {
    if (chunk[0] === Frontend.Terminate) {
      this.close();
      return;
    }
    this.#state = 'waiting';
    this.#pending.push(chunk);
    const giveUp = this.#context.pool.wait(this);
    if (this.#isWaiting()) {
      this.#giveUpWaiting = giveUp;
      this.#stream.pause();
    }
  }

  #isWaiting(): boolean {
    return this.#state === 'waiting';
  }

  #process(chunk: Buffer): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    connection.cork();
    try {
      this.#reader.push(chunk);
    } catch (error) {
      connection.uncork();
      this.#fail(toClientError(error));
      return;
    }
    connection.uncork();
    // Nothing that was sent needs an answer, such as Terminate, or the rest of a COPY that failed.
    if (connection.tracker.outstanding === 0) this.originSettled();
  }

  #unlink(): void {
    const connection = this.#connection!;
    this.#connection = undefined;
    this.#state = 'idle';
    this.#requests.compact();
    this.#context.pool.release(connection);
    this.#resume();
  }

  /** Reads on, unless the client does not take what it was sent. */
  #resume(): void {
    if (this.#stream.writableNeedDrain) this.#stream.pause();
    else if (this.#stream.isPaused()) this.#stream.resume();
  }

  #onDrain(): void {
    this.#connection?.resume();
    if (this.#state === 'idle' || (this.#state === 'linked' && this.#connection?.isFull !== true)) this.#resume();
  }

  #pauseForOrigin(): void {
    const connection = this.#connection!;
    this.#stream.pause();
    connection.onDrain(() => {
      if (this.#connection === connection) this.#resume();
    });
  }

  #pinTo(cause: PinCause): void {
    if (this.#pin !== undefined) return;
    this.#pin = cause;
    this.#context.onPin(cause);
  }

  #welcomed({ settings, key, rest }: Welcome): void {
    this.#login = undefined;
    this.settings = settings;
    this.#key = key;
    this.#state = 'idle';
    this.#resume();
    if (rest.length > 0) this.#onData(rest);
  }

  /** An error that ends the client; what it asked for before stays undone or is rolled back. */
  #fail(error: HyperdriveError | WireError): void {
    if (this.#state === 'closed') return;
    const { sqlstate, remedy: hint, message } = error as WireError;
    const report = error instanceof HyperdriveError ? error.report : { sqlstate, message, hint };
    this.close(toErrorResponse({ ...report, severity: 'FATAL' }));
  }

  /** The last words are read before the stream is gone, unless the client takes too long. */
  #sayFarewell(bytes: Buffer): void {
    const stream = this.#stream;
    const cancelTimer = this.#context.clock.after(farewellTimeout, () => stream.destroy());
    stream.once('close', cancelTimer);
    stream.end(bytes, () => stream.destroy());
  }
}
