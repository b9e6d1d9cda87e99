// What a server still owes: which answer belongs to which request, and when a connection owes nothing.
//
// A pooler may give a connection to somebody else only when every request was answered and no transaction is open, and
// it may put requests of its own between a client's only when it can tell their answers apart. Both need the order of
// requests, not just a count of Syncs: after an error a server skips to the next Sync [pg 55.2.3], and while it copies
// in it ignores Sync and Flush [postgres CopyGetData].
import { WireError } from './errors.ts';
import { maxPipelined } from './limits.ts';
import { Backend, Frontend, toMessageName } from './message-types.table.ts';
import type { TransactionStatus } from './transaction-status.ts';

/** Type bytes that end a request: each is answered by one ReadyForQuery. */
const isBoundary = (type: number): boolean =>
  type === Frontend.Query || type === Frontend.Sync || type === Frontend.FunctionCall;
const isCopyEnd = (type: number): boolean => type === Frontend.CopyDone || type === Frontend.CopyFail;

/** What the tracker has to be told of a client's messages. */
export const trackedRequests: readonly number[] = [
  Frontend.Parse,
  Frontend.Bind,
  Frontend.Describe,
  Frontend.Execute,
  Frontend.Close,
  Frontend.Sync,
  Frontend.Query,
  Frontend.FunctionCall,
  Frontend.CopyDone,
  Frontend.CopyFail,
];

/** What the tracker has to be told of a server's messages. */
export const trackedReplies: readonly number[] = [
  Backend.ParseComplete,
  Backend.BindComplete,
  Backend.CloseComplete,
  Backend.RowDescription,
  Backend.NoData,
  Backend.CommandComplete,
  Backend.EmptyQueryResponse,
  Backend.PortalSuspended,
  Backend.CopyInResponse,
  Backend.CopyBothResponse,
  Backend.ErrorResponse,
  Backend.ReadyForQuery,
];

/** Which request a reply ends; 0 for a reply that ends none by itself. */
const endedBy = new Uint8Array(256);
endedBy[Backend.ParseComplete] = Frontend.Parse;
endedBy[Backend.BindComplete] = Frontend.Bind;
endedBy[Backend.CloseComplete] = Frontend.Close;
endedBy[Backend.RowDescription] = Frontend.Describe;
endedBy[Backend.NoData] = Frontend.Describe;
endedBy[Backend.CommandComplete] = Frontend.Execute;
endedBy[Backend.EmptyQueryResponse] = Frontend.Execute;
endedBy[Backend.PortalSuspended] = Frontend.Execute;

interface Entry<Token> {
  type: number;
  token: Token | undefined;
}

/** Called for each request that an error made the server skip, and for the one that failed: that was begun. */
export type SkippedListener<Token> = (token: Token, hasFailed: boolean) => void;

export class PipelineTracker<Token> {
  readonly #onSkipped: SkippedListener<Token>;
  #entries: Entry<Token>[] = [];
  #head = 0;
  #status: TransactionStatus = 'I';
  /** The server is past an error and waits for a Sync that has not been sent. */
  #skipping = false;
  /** Requests went to the server behind the last that ends a transaction of its own: it has one open [pg 55.2.3]. */
  #unsynced = false;
  /** Something was bound or carried out in it. */
  #isUsed = false;
  #copyingIn = false;
  #ignoredSyncs = 0;
  #uncertain = false;

  /** `onSkipped` hears of tokens whose requests were not carried out. */
  constructor(onSkipped: SkippedListener<Token> = () => {}) {
    this.#onSkipped = onSkipped;
  }

  /** As of the last ReadyForQuery. */
  get status(): TransactionStatus {
    return this.#status;
  }

  /** Requests that wait for an answer. */
  get outstanding(): number {
    return this.#entries.length - this.#head;
  }

  /** Whether the server owes nothing, waits for nothing and has no transaction open. */
  get idle(): boolean {
    return this.#head === this.#entries.length && !this.inTransaction && !this.#skipping && !this.#copyingIn;
  }

  /** Whether a transaction is open, be it one that only a Sync ends. */
  get inTransaction(): boolean {
    return this.#status !== 'I' || this.#unsynced;
  }

  /** Whether answers may be held back until the server is told to send them. */
  get isUnsynced(): boolean {
    return this.#unsynced;
  }

  /** Whether all that keeps it from being idle is a Sync that has not been sent, and statements are all that was made. */
  get onlyPrepares(): boolean {
    const isOpen = this.#unsynced && !this.#isUsed && !this.#skipping && !this.#copyingIn;
    return isOpen && this.#head === this.#entries.length && this.#status === 'I';
  }

  /** Whether the server reads CopyData now. */
  get copyingIn(): boolean {
    return this.#copyingIn;
  }

  /** Whether the server skips what it gets until the next Sync. */
  get skipping(): boolean {
    return this.#skipping;
  }

  /**
   * Whether it cannot be known how many answers are to come: a COPY failed while Syncs it may have swallowed were on
   * their way. Such a connection serves its client to the next ReadyForQuery, and nobody after that.
   */
  get uncertain(): boolean {
    return this.#uncertain;
  }

  /** A request goes to the server. `token` comes back with its answer. */
  sent(type: number, token?: Token): void {
    if (this.#skipping) {
      if (type !== Frontend.Sync) {
        if (token !== undefined) this.#onSkipped(token, false);
        return;
      }
      this.#skipping = false;
    }
    if (this.#copyingIn) {
      if (type === Frontend.Sync) {
        this.#ignoredSyncs += 1;
        return;
      }
      if (isCopyEnd(type)) {
        this.#copyingIn = false;
        return;
      }
      // Anything else makes the COPY fail, and is swallowed by it or not.
      this.#uncertain = true;
    } else if (isCopyEnd(type) && this.#head === this.#entries.length) {
      // The rest of a COPY that failed: the server ignores it.
      return;
    }
    if (this.outstanding >= maxPipelined) {
      throw new WireError('pipeline_too_long', `more than ${maxPipelined} requests wait for their answers`);
    }
    if (!isCopyEnd(type)) this.#unsynced = !isBoundary(type);
    if (isBoundary(type)) this.#isUsed = false;
    else if (type === Frontend.Bind || type === Frontend.Execute) this.#isUsed = true;
    this.#entries.push({ type, token });
  }

  /**
   * A reply came. Returns the token of the request that it ends. Throws `unexpected_reply` when no request can have
   * this reply: then the connection is out of step.
   */
  received(type: number, status?: TransactionStatus): Token | undefined {
    if (type === Backend.ErrorResponse) {
      this.#failed();
      return undefined;
    }
    const head = this.#first();
    if (type === Backend.ReadyForQuery) {
      if (!this.#uncertain && (head === undefined || !isBoundary(head.type))) throw this.#unexpected(type, head);
      this.#status = status!;
      this.#copyingIn = false;
      this.#ignoredSyncs = 0;
      return this.#uncertain ? this.abandon() : this.#shift();
    }
    if (head === undefined) throw this.#unexpected(type, head);
    // The answers of a simple query are many; only ReadyForQuery ends them.
    if (isBoundary(head.type) && head.type !== Frontend.Sync) {
      if (type === Backend.CopyInResponse || type === Backend.CopyBothResponse) this.#startCopy();
      return undefined;
    }
    if (type === Backend.CopyInResponse || type === Backend.CopyBothResponse) {
      if (head.type !== Frontend.Execute) throw this.#unexpected(type, head);
      this.#startCopy();
      return undefined;
    }
    if (endedBy[type] !== head.type) throw this.#unexpected(type, head);
    if (type === Backend.CommandComplete) this.#copyingIn = false;
    return this.#shift();
  }

  /** An error: what failed and what is behind it up to the next Sync is not carried out. */
  #failed(): void {
    const head = this.#first();
    const wasCopying = this.#copyingIn;
    this.#copyingIn = false;
    if (wasCopying && this.#ignoredSyncs > 0) this.#uncertain = true;
    if (head === undefined || isBoundary(head.type)) return;
    for (let entry: Entry<Token> | undefined = head; entry !== undefined; entry = this.#first()) {
      if (entry.type === Frontend.Sync) return;
      if (entry.token !== undefined) this.#onSkipped(entry.token, entry === head);
      this.#shift();
    }
    this.#skipping = true;
  }

  /** Gives up on everything that waits: no answer comes any more. */
  abandon(): undefined {
    for (const { token } of this.#entries.splice(0).slice(this.#head)) {
      if (token !== undefined) this.#onSkipped(token, false);
    }
    this.#head = 0;
    this.#skipping = false;
    this.#unsynced = false;
  }

  /** The server reads CopyData from here on, and ignores the Syncs it finds among it. */
  #startCopy(): void {
    this.#copyingIn = true;
    const from = this.#head + 1;
    let to = from;
    while (this.#entries[to]?.type === Frontend.Sync) to += 1;
    this.#ignoredSyncs = to - from;
    const end = this.#entries[to];
    if (end !== undefined && isCopyEnd(end.type)) {
      this.#copyingIn = false;
      to += 1;
    } else if (end !== undefined) {
      // Other requests behind a COPY make it fail, and are lost or not depending on when.
      this.#uncertain = true;
    }
    this.#entries.splice(from, to - from);
    if (this.#first()?.type !== Frontend.Execute || this.#entries.slice(from).some(({ type }) => isBoundary(type)))
      return;
    // The Sync that seemed to end its transaction was one of those.
    this.#unsynced = true;
    this.#isUsed = true;
  }

  /** The request that is being carried out; ends of copies that never began are no requests. */
  #first(): Entry<Token> | undefined {
    while (this.#head < this.#entries.length && isCopyEnd(this.#entries[this.#head]!.type)) this.#head += 1;
    if (this.#head === this.#entries.length && this.#head > 0) {
      this.#entries = [];
      this.#head = 0;
    }
    return this.#entries[this.#head];
  }

  #shift(): Token | undefined {
    const { token } = this.#entries[this.#head]!;
    this.#head += 1;
    // Memory of what was answered goes at once when all was, and in halves otherwise.
    if (this.#head === this.#entries.length) {
      this.#entries.length = 0;
      this.#head = 0;
    } else if (this.#head >= 64 && this.#head * 2 >= this.#entries.length) {
      this.#entries.splice(0, this.#head);
      this.#head = 0;
    }
    this.#first();
    return token;
  }

  #unexpected(type: number, head: Entry<Token> | undefined): WireError {
    const waiting = head === undefined ? 'no request waits' : `${toMessageName('frontend', head.type)} waits`;
    return new WireError('unexpected_reply', `${toMessageName('backend', type)} came, and ${waiting} for its answer`);
  }
}
