// One connection to the origin. At any time it is idle or has one holder, who gets all its bytes.
//
// It knows what it owes (the pipeline tracker) and what it holds (prepared statements, settings), and hands on replies
// except those to requests the pooler put in itself.
import type { Duplex } from 'node:stream';
import {
  Backend,
  defineInspection,
  Frontend,
  MessageReader,
  parseParameterStatus,
  PipelineTracker,
  sqlstateOf,
  toQuery,
  toSync,
  toTerminate,
  trackedReplies,
} from '@sallyport/postgres-wire';
import type { MessageHandler, TransactionStatus, Verdict } from '@sallyport/postgres-wire';
import { HyperdriveError } from '../errors.ts';
import type { AnswerWatch, Holder, RequestToken } from './holder.ts';
import { toLending } from './lending.ts';
import type { LendingStream, LentOutcome } from './lending.ts';
import type { OriginDialer } from './origin-dialer.ts';
import { toFailure } from './origin-failure.ts';
import type { LoggedIn } from './origin-login.ts';
import { HeldStatements } from '../statements/statements.ts';

export type { AnswerWatch, Holder, RequestToken } from './holder.ts';

const inspection = defineInspection({
  side: 'backend',
  inspect: [...trackedReplies, Backend.ParameterStatus],
  // Of most replies only the type counts here.
  wholeUpToByType: new Map([
    [Backend.ErrorResponse, 4_096],
    [Backend.RowDescription, 5],
    [Backend.CommandComplete, 5],
  ]),
});

const queryCanceled = '57014';
/** Replies that say that something was carried out. */
const completions: ReadonlySet<number> = new Set([
  Backend.CommandComplete,
  Backend.PortalSuspended,
  Backend.FunctionCallResponse,
]);

const statusByByte: Readonly<Record<number, TransactionStatus>> = { 0x49: 'I', 0x54: 'T', 0x45: 'E' };

export class OriginConnection implements MessageHandler {
  readonly held: HeldStatements = new HeldStatements();
  readonly processId: number;
  readonly secretKey: Buffer;
  readonly parameters: Map<string, string>;
  readonly createdAt: number;
  readonly tracker: PipelineTracker<RequestToken> = new PipelineTracker((token, failed) => token.skipped?.(failed));
  /** Until the holder leaves. */
  written: AnswerWatch | undefined;
  /** The text of the unnamed statement, as the object that its client has. */
  unnamed: Buffer | undefined;
  /** Grows with every Sync that is sent. */
  unit = 0;
  /** The settings of clients that are in force here, as one text. */
  settings = '';
  idleSince = 0;
  /** Of statements and of requests, so far. */
  answers = 0;
  /** Said to the client in place of the error with which a cancelled query ends. */
  cancelReason: Buffer | undefined;
  /** Cancel requests for it that are under way: nobody else may have it before they are over. */
  cancelling = 0;
  /** What made it, and reaches the server that it is at. */
  readonly dialer: OriginDialer;
  /** A cancel request for it was given up, and may arrive later. */
  isDoubtful = false;
  readonly #stream: Duplex;
  readonly #lending: LendingStream | undefined;
  readonly #reader: MessageReader;
  #holder: Holder | undefined;
  #isClosed = false;
  #onError: ((message: Buffer) => void) | undefined;
  /** Gets what comes in place of the reader, from a holder that reads answers itself and tells the tracker nothing. */
  tap: ((chunk: Buffer) => void) | undefined;
  /** Called when the connection ends while nobody has it. */
  onLost: () => void = () => {};

  constructor({ stream, processId, secretKey, parameters }: LoggedIn, dialer: OriginDialer, now: number) {
    this.dialer = dialer;
    this.#stream = stream;
    this.#reader = new MessageReader(this, inspection);
    this.processId = processId;
    this.secretKey = secretKey;
    this.parameters = parameters;
    this.createdAt = now;
    this.idleSince = now;
    this.#lending = toLending(stream);
    this.#lending?.lendTo((chunk) => this.#onLent(chunk));
    stream.on('data', (chunk: Buffer) => this.#onData(chunk));
    stream.on('error', (error: Error) => this.#lost(error));
    stream.on('close', () => this.#lost());
    stream.on('end', () => this.#lost());
    stream.resume();
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get holder(): Holder | undefined {
    return this.#holder;
  }

  /** Whether what is sent piles up; `onDrain` tells when it does not any more. */
  get isFull(): boolean {
    return this.#stream.writableNeedDrain;
  }

  link(holder: Holder): void {
    this.cancelReason = undefined;
    this.#lending?.forget();
    this.#holder = holder;
  }

  unlink(): void {
    this.#lending?.forget();
    this.#holder = undefined;
    this.tap = undefined;
    this.written = undefined;
    if (this.#stream.isPaused()) this.#stream.resume();
  }

  write(bytes: Buffer): void {
    this.#stream.write(bytes);
  }

  cork(): void {
    this.#stream.cork();
  }

  uncork(): void {
    this.#stream.uncork();
  }

  onDrain(callback: () => void): void {
    this.#stream.once('drain', callback);
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    if (this.#holder?.isFlushed === true) this.#lending?.settle();
    this.#stream.resume();
  }

  /** Runs a query of our own on a connection that is idle and has no holder. Rejects when any part of it fails. */
  run(query: string): Promise<void> {
    this.unnamed = undefined;
    return this.#perform(Frontend.Query, toQuery(query));
  }

  /** Ends what was begun without a Sync, on a connection that has no holder. */
  sync(): Promise<void> {
    return this.#perform(Frontend.Sync, toSync());
  }

  #perform(type: number, message: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      let failure: HyperdriveError | undefined;
      this.#onError = (report) => (failure ??= toFailure(report));
      this.link({
        fromOrigin: () => true,
        settingChanged: () => {},
        originSettled: () => {
          this.#onError = undefined;
          this.unlink();
          if (failure === undefined) resolve();
          else reject(failure);
        },
        originLost: reject,
      });
      this.tracker.sent(type);
      this.write(message);
    });
  }

  /** Ends it: at once, after telling the origin. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#holder = undefined;
    this.tracker.abandon();
    if (this.#stream.writableLength > 0) this.#stream.destroy();
    else this.#stream.end(toTerminate(), () => this.#stream.destroy());
  }

  message(type: number, bytes: Buffer, start: number, end: number): Verdict {
    switch (type) {
      case Backend.ParameterStatus: {
        const { name, value } = parseParameterStatus(bytes.subarray(start, end));
        // PGlite reports settings that are what they were.
        if (this.parameters.get(name) === value) return true;
        this.parameters.set(name, value);
        this.#holder?.settingChanged();
        return true;
      }
      case Backend.ReadyForQuery:
        this.answers += 1;
        if (this.cancelling === 0) this.cancelReason = undefined;
        return this.#ready(statusByByte[bytes[start + 5]!] ?? 'E');
      case Backend.ErrorResponse:
        // The origin says why it is about to end: nobody may get this connection in the moment before it does.
        if (this.#holder === undefined)
          throw new HyperdriveError('connection_lost', 'The database ended the connection');
        this.#onError?.(bytes.subarray(start, end));
        this.written?.failed();
        this.tracker.received(type);
        return this.cancelReason !== undefined && sqlstateOf(bytes.subarray(start, end)) === queryCanceled
          ? this.cancelReason
          : true;
      default:
        return this.#replied(type);
    }
  }

  large(type: number, prefix: Buffer): Verdict {
    if (type === Backend.ParameterStatus) return true;
    if (type !== Backend.ErrorResponse) return this.#replied(type);
    this.#onError?.(prefix);
    this.written?.failed();
    return this.#answered(this.tracker.received(type));
  }

  pass(bytes: Buffer): void {
    if (this.#holder?.fromOrigin(bytes) === false) this.#stream.pause();
  }

  #ready(status: TransactionStatus): Verdict {
    const token = this.tracker.received(Backend.ReadyForQuery, status);
    this.written?.ready(status, this.tracker.outstanding);
    return this.#answered(token);
  }

  #replied(type: number): Verdict {
    const token = this.tracker.received(type);
    if (completions.has(type)) {
      this.answers += 1;
      this.written?.completed();
    }
    return this.#answered(token);
  }

  #answered(token: RequestToken | undefined): Verdict {
    if (token === undefined) return true;
    token.done?.();
    return token.replaceBy === undefined ? true : token.replaceBy;
  }

  /** A chunk whose memory is used again as soon as its holder has passed it on. */
  #onLent(chunk: Buffer): LentOutcome {
    const holder = this.#holder;
    if (this.tap !== undefined || holder?.isFlushed === undefined) {
      this.#onData(Buffer.from(chunk));
      return 'done';
    }
    this.#onData(chunk);
    if (holder.isFlushed === true) return 'done';
    // Who left with bytes of it cannot be asked any more.
    return this.#holder === holder ? 'later' : 'kept';
  }

  #onData(chunk: Buffer): void {
    if (this.#isClosed) return;
    const { tap } = this;
    try {
      if (tap === undefined) this.#reader.push(chunk);
      else tap(chunk);
    } catch (error) {
      this.#lost(error as Error);
      return;
    }
    if (tap !== undefined) return;
    if (this.tracker.outstanding === 0) this.#holder?.originSettled();
  }

  #lost(cause?: Error): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const holder = this.#holder;
    this.#holder = undefined;
    this.#stream.destroy();
    this.onLost();
    holder?.originLost(new HyperdriveError('connection_lost', 'The connection to the database was lost', { cause }));
    this.tracker.abandon();
  }
}
