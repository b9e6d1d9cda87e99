// One client, from its first byte to its last. It has an origin connection from the first message of a request to the
// end of the transaction; while it waits for one, it is not read from. A request that is whole when it comes (an
// exchange) may be answered by somebody else before that.
//
//   login ──▶ idle ──▶ waiting ──▶ linked ──▶ idle …        any state ──▶ closed
//               └────▶ answering ──▶ idle, waiting
//                                      linked ──▶ checking ──▶ idle, linked
import type { Duplex } from 'node:stream';
import { Frontend, toErrorResponse, toReadyForQuery } from '@sallyport/postgres-wire';
import type { WireError } from '@sallyport/postgres-wire';
import type { SessionWrites } from '../cache/session-writes.ts';
import type { CancelKey } from './cancel-keys.ts';
import type { ClientCredentials } from './client-login.ts';
import { ClientStream } from './client-stream.ts';
import { cancelledReport, HyperdriveError, sequenceMemoryLost, toClientError } from '../errors.ts';
import { endsInGoodbye, readExchange } from './exchange.ts';
import type { Exchange, ExchangeClient, Recorder } from './exchange.ts';
import { countOne } from '../metrics.ts';
import { LoginPhase } from './login-phase.ts';
import type { Welcome } from './login-phase.ts';
import type { OriginConnection } from '../origin/origin-connection.ts';
import type { Waiter } from '../origin/origin-pool.ts';
import { OriginLink } from './origin-link.ts';
import type { OriginLinkEnds } from './origin-link-ends.ts';
import type { SessionContext } from './session-context.ts';
import { needsSequenceMemory } from './sequence-memory.ts';
import type { PinCause } from './session-state.ts';
import type { Statement } from '../statements/statements.ts';

export type ClientState = 'login' | 'idle' | 'answering' | 'waiting' | 'linked' | 'checking' | 'closed';

/** It is the ends of its link itself: a set of functions for each idle client would cost memory. */
export class ClientSession implements Waiter, ExchangeClient, OriginLinkEnds {
  readonly #stream: ClientStream;
  readonly #context: SessionContext;
  readonly #link: OriginLink;
  #state: ClientState = 'login';
  #login: LoginPhase | undefined;
  #giveUpWaiting: () => void = () => {};
  /** What came and waits: to be whole, to be answered, or for a connection. */
  #pending: Buffer[] = [];
  /** What somebody else answers; its bytes are the first that are pending. */
  #exchange: Exchange | undefined;
  #recorder: Recorder | undefined;
  #key: CancelKey | undefined;
  /** What waits first is one whole request: it can be refused, and the client goes on. */
  #isWhole = false;
  /** A CancelRequest came while it waited. */
  #isCancelled = false;
  settings = '';
  readonly writes: SessionWrites | undefined;

  constructor(stream: Duplex, context: SessionContext, credentials: ClientCredentials) {
    this.#stream = new ClientStream(stream, context);
    this.#context = context;
    this.writes = context.watchWrites?.(this);
    this.#link = new OriginLink(this.#stream, context, this);
    this.#login = new LoginPhase(this.#stream, context, {
      client: this,
      credentials,
      welcomed: (welcome) => this.#welcomed(welcome),
      ended: (error) => (error === undefined ? this.close() : this.end(error)),
    });
  }

  /** Begins to read. */
  start(): void {
    this.#stream.start({
      data: (chunk) => this.#onData(chunk),
      drained: () => this.#onDrain(),
      left: () => this.#left(),
    });
  }

  /** Why it keeps its connection, when it does. */
  get pin(): PinCause | undefined {
    return this.#link.pin;
  }

  get state(): ClientState {
    return this.#state;
  }

  get isOpen(): boolean {
    return this.#state !== 'closed';
  }

  /** Ends the session: a transaction is rolled back, the connection goes to somebody else. */
  close(farewell?: Buffer): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#login?.close();
    this.#giveUpWaiting();
    this.#pending = [];
    const carrier = this.#exchange?.carrier;
    this.#exchange = undefined;
    carrier?.abandoned();
    this.#recorder?.lost();
    this.#recorder = undefined;
    if (this.#key !== undefined) this.#context.cancelKeys.remove(this.#key);
    this.#link.close();
    if (farewell === undefined) this.#stream.destroy();
    else this.#stream.sayFarewell(farewell);
    this.#context.onClosed(this);
  }

  /** Tells the client why, and ends; what it asked for before stays undone or is rolled back. */
  end(error: HyperdriveError | WireError): void {
    if (this.#state === 'closed') return;
    countOne(this.#context.metrics.errors, error.code);
    const { sqlstate, remedy: hint, message } = error as WireError;
    const report = error instanceof HyperdriveError ? error.report : { sqlstate, message, hint };
    this.close(toErrorResponse({ ...report, severity: 'FATAL' }));
  }

  /** A CancelRequest with this client's key came. */
  cancel(): void {
    // At the origin it could come before the request that it is meant for.
    if (this.#state === 'waiting' && this.#isWhole) this.#answerWithError({ report: cancelledReport });
    else if (this.#state === 'waiting') this.#isCancelled = true;
    if (this.#state === 'answering') this.#exchange?.carrier?.cancel();
    this.#link.cancel();
  }

  granted(connection: OriginConnection): void {
    if (this.#state !== 'waiting') {
      this.#context.pool.release(connection);
      return;
    }
    this.#stopWaiting();
    this.#link.attach(connection, this.#recorder);
    this.#recorder = undefined;
    const isCancelled = this.#isCancelled;
    this.#isCancelled = false;
    this.#linked();
    if (isCancelled) this.cancel();
  }

  #linked(): void {
    this.#state = 'linked';
    this.#readOn();
  }

  /** Reads again, beginning with what came meanwhile. */
  #readOn(): void {
    this.#stream.resume();
    // Not straight to the connection: it goes again when the first chunk asks for nothing.
    for (const chunk of this.#pending.splice(0)) this.#onData(chunk);
    if (this.#stream.isOver) this.#left();
  }

  refused(error: HyperdriveError): void {
    if (this.#state !== 'waiting') return;
    if (!this.#isWhole || error.code === 'shutting_down') this.end(error);
    else this.#answerWithError(error);
  }

  #stopWaiting(): void {
    this.#giveUpWaiting();
    this.#giveUpWaiting = () => {};
  }

  /** The request failed as a statement does: its client is idle again, and keeps its session. */
  #answerWithError({ code, report }: Pick<HyperdriveError, 'report'> & { code?: HyperdriveError['code'] }): void {
    if (code !== undefined) countOne(this.#context.metrics.errors, code);
    this.#stopWaiting();
    this.#pending.shift();
    this.#recorder?.lost();
    this.#recorder = undefined;
    this.#isCancelled = false;
    this.#state = 'idle';
    this.#stream.write(Buffer.concat([toErrorResponse({ ...report, severity: 'ERROR' }), toReadyForQuery('I')]));
    this.#readOn();
  }

  write(bytes: Buffer): boolean {
    return this.isOpen && this.#stream.write(bytes);
  }

  statementOf(name: string): Statement | undefined {
    return this.#link.requests.statementOf(name);
  }

  finished(isParsed = true): void {
    if (this.#state !== 'answering') return;
    this.#pending.shift();
    this.#state = 'idle';
    try {
      this.#link.requests.adopt(this.#exchange!, isParsed);
    } catch (error) {
      this.end(toClientError(error));
      return;
    }
    this.#exchange = undefined;
    this.#readOn();
  }

  declined(): void {
    if (this.#state === 'answering') this.#waitForOrigin();
  }

  /** The stream ended. Who said goodbye first gets everything carried out that it asked for, as from the origin. */
  #left(): void {
    // Answers are read to their end, whether or not somebody takes the last of them.
    if (this.#link.owesLastAnswer) this.#link.resumeOrigin();
    else if (this.#state === 'idle' || !endsInGoodbye(this.#pending.at(-1))) this.close();
  }

  #onData(chunk: Buffer): void {
    if (this.#state === 'linked') {
      this.#link.process(chunk);
      if (this.#link.isFull) this.#pauseForOrigin();
    } else if (this.#state === 'idle') this.#begin(chunk);
    else if (this.#state === 'login') this.#login!.push(chunk);
    else if (this.#state !== 'closed') {
      this.#pending.push(chunk);
      this.#stream.pause();
    }
  }

  /** A request begins. Until it is whole, or known to be long, it needs no connection. */
  #begin(chunk: Buffer): void {
    const bytes = this.#pending.length === 0 ? chunk : Buffer.concat([...this.#pending, chunk]);
    if (bytes[0] === Frontend.Terminate) {
      this.close();
      return;
    }
    const exchange = readExchange(bytes, this.#link.requests);
    this.#pending = [bytes];
    if (exchange === 'partial') return;
    this.#isWhole = exchange !== undefined;
    if (exchange === undefined || !this.#isAnswered(exchange)) this.#waitForOrigin();
  }

  /** Whether somebody else answers this, now or later. */
  #isAnswered(exchange: Exchange): boolean {
    const { answerer, lanes } = this.#context;
    this.#exchange = exchange;
    this.#state = 'answering';
    const outcome = answerer?.answer(exchange, this);
    if (outcome === 'answered') this.finished();
    return outcome !== undefined || lanes?.offer(exchange, this) === true;
  }

  #waitForOrigin(): void {
    const exchange = this.#exchange;
    this.#recorder = exchange?.recorder;
    this.#exchange = undefined;
    if (exchange !== undefined && needsSequenceMemory(exchange.text)) {
      this.#answerWithError(sequenceMemoryLost());
      return;
    }
    this.#state = 'waiting';
    const giveUp = this.#context.pool.wait(this);
    if (this.#isWaiting()) {
      this.#giveUpWaiting = giveUp;
      this.#stream.pause();
    }
  }

  #isWaiting(): boolean {
    return this.#state === 'waiting';
  }

  lent(): void {
    this.#state = 'checking';
  }

  kept(): void {
    this.#linked();
  }

  unlinked(): void {
    const wasChecked = this.#state === 'checking';
    this.#state = 'idle';
    if (wasChecked) this.#readOn();
    else this.#stream.resume();
  }

  #onDrain(): void {
    this.#link.resumeOrigin();
    this.#exchange?.carrier?.drained();
    if (this.#state === 'idle' || (this.#state === 'linked' && !this.#link.isFull)) this.#stream.resume();
  }

  #pauseForOrigin(): void {
    this.#stream.pause();
    this.#link.onDrain(() => this.#stream.resume());
  }

  #welcomed({ settings, key, rest }: Welcome): void {
    this.#login = undefined;
    this.settings = settings;
    this.#key = key;
    this.#state = 'idle';
    this.#context.metrics.logins += 1;
    this.#stream.resume();
    if (rest.length > 0) this.#onData(rest);
  }
}
