// What one client's requests write, until it is committed; then the epochs move, before the client hears of it.
//
// Whether a transaction was committed is not looked at closely: every answer that could be a commit moves the epochs of
// all that was written since the connection was last idle. Moving once too often costs a miss, once too seldom a lie.
import type { TransactionStatus } from '@sallyport/postgres-wire';
import type { Classifier } from '../classify/classifier.ts';
import { toUnread } from '../classify/classify.ts';
import type { QueryVerdict } from '../classify/query-verdict.ts';
import type { Clock } from '../clock.ts';
import type { Epoch, Epochs, Tables } from './epochs.ts';
import { maxWrittenTables, ownWriteWindow } from './limits.ts';
import type { OriginKnowledge } from './origin-knowledge.ts';

/** What the sessions of a pooler share; another database may take the place of the first. */
export interface WatchedOrigin {
  /** Whether anybody keeps answers that a write could make wrong. */
  readonly isWatched: boolean;
  /** Whether anybody ever does: without a cache only DDL matters. */
  readonly mayBeWatched: boolean;
  readonly classifier: Classifier;
  readonly knowledge: OriginKnowledge;
  readonly epochs: Epochs;
  /** What was known of the database is old. */
  schemaChanged(isOpen: boolean): void;
  /** A query ran in a transaction, where nothing is answered from the cache. */
  countTransaction(): void;
  readonly clock: Clock;
}

/** Verdicts of statements by the Parse that made them: an object each, kept as long as the statement. */
const verdicts = new WeakMap<Buffer, QueryVerdict>();
const schemaWords = /\b(?:create|alter|drop|import|grant|revoke|comment|do|call|security|(?<!\binsert\s+)into)\b/i;

/** Whether a statement may commit a part of what it does and fail behind that. */
function mayCommitInside({ writes, uncacheable }: QueryVerdict): boolean {
  return writes === 'unknown' && uncacheable !== 'parseerror';
}

/** Whether a statement writes nothing, as far as can be told without the catalogue. */
function isInnocent({ writes, functions, operators, fields, reads }: QueryVerdict): boolean {
  const named = functions.length + operators.length + fields.length + reads.length;
  return writes !== 'unknown' && writes.length + named === 0;
}

const unread = toUnread('oversizedquery', 'Its text is too long to be held.');

export class SessionWrites {
  readonly #shared: WatchedOrigin;
  readonly #client: { readonly settings: string };
  /** Written since the connection was last idle. */
  #pending: Set<Epoch> | 'all' | undefined;
  /** A request that is not answered may commit before its own end. */
  #isEager = false;
  #isInTransaction = false;
  /** Since the last ReadyForQuery: something was carried out; something failed. */
  #isCarriedOut = false;
  #hasFailed = false;
  #mayCommitInside = false;
  /** Names mean something else than the settings of the login say, for the rest of the session. */
  #areNamesAltered = false;
  #changesSchema = false;
  /** Changes no schema, and there is no cache: what was prepared is bound next. */
  #ignored: Buffer | undefined;
  #last: { tables: ReadonlySet<Epoch> | 'all'; until: number } | undefined;

  constructor(shared: WatchedOrigin, client: { readonly settings: string }) {
    this.#shared = shared;
    this.#client = client;
  }

  /** Whether answers have to be watched. */
  get isPending(): boolean {
    return this.#pending !== undefined;
  }

  /** A Query goes to the origin. */
  query(text: Buffer): void {
    if (this.#isIgnored(text)) return;
    if (this.#isInTransaction && this.#shared.isWatched) this.#shared.countTransaction();
    this.#carryOut(this.#shared.classifier.verdictOf(text));
  }

  /** A Bind goes to the origin; `body` is the Parse of its statement, behind the name. */
  bind(body: Buffer): void {
    if (this.#isInTransaction && this.#shared.isWatched) this.#shared.countTransaction();
    this.prepare(body);
  }

  /** A Parse goes to the origin. Which of several of one name a Bind finds, the origin decides: each counts. */
  prepare(body: Buffer): void {
    if (body === this.#ignored) return;
    if (this.#isIgnored(body)) {
      this.#ignored = body;
      return;
    }
    let verdict = verdicts.get(body);
    if (verdict === undefined) {
      const zero = body.indexOf(0);
      verdict = zero === -1 ? unread : this.#shared.classifier.verdictOf(body.subarray(0, zero));
      // Not what was said before the grammar was there.
      if (this.#shared.classifier.isLoaded) verdicts.set(body, verdict);
    }
    this.#carryOut(verdict);
  }

  /** A Parse that is too long to be read goes to the origin; what was held of it stands for the statement. */
  longParse(prefix: Buffer): void {
    verdicts.set(prefix, unread);
  }

  /** Something goes to the origin that may do anything. */
  anything(): void {
    this.#carryOut(unread);
  }

  /** A command was completed, or some of its rows are there; its client has not heard of it. */
  completed(): void {
    this.#isCarriedOut = true;
    if (this.#isEager || !this.#isInTransaction) this.#move();
  }

  failed(): void {
    this.#hasFailed = true;
    // A part of it may be committed all the same, and the client goes on from here.
    if (this.#mayCommitInside) this.#move();
  }

  /** ReadyForQuery came; its client has not heard of it. `owed` requests are not answered yet. */
  ready(status: TransactionStatus, owed: number): void {
    // An error before anything else, outside a transaction: nothing was done.
    const isNothing = this.#hasFailed && !this.#isCarriedOut && !this.#isInTransaction && !this.#mayCommitInside;
    this.#hasFailed = false;
    this.#isCarriedOut = false;
    this.#isInTransaction = status !== 'I';
    if (!isNothing && (status === 'I' || this.#isEager)) this.#move();
    if (owed > 0) return;
    this.#isEager = false;
    this.#mayCommitInside = false;
    if (status !== 'I') return;
    this.#pending = undefined;
    this.#changesSchema = false;
    this.#ignored = undefined;
  }

  /** The connection is gone, or was given up: with requests under way, nobody knows what became of them. */
  lost(owed: number): void {
    const pending = this.#toTables();
    const isOpen = pending !== undefined && owed > 0;
    if (isOpen) this.#shared.epochs.doubt(pending);
    this.#move(isOpen);
    this.#pending = undefined;
    this.#isEager = false;
    this.#isInTransaction = false;
    this.#isCarriedOut = false;
    this.#hasFailed = false;
    this.#changesSchema = false;
  }

  /** Whether this client has just written one of these tables. */
  hasJustWritten(tables: readonly Epoch[]): boolean {
    const last = this.#last;
    if (last === undefined) return false;
    if (last.until <= this.#shared.clock.now()) {
      this.#last = undefined;
      return false;
    }
    const { tables: written } = last;
    return written === 'all' || tables.some((epoch) => written.has(epoch));
  }

  /** Without a cache, whether a text is nothing that could change the schema. */
  #isIgnored(text: Buffer): boolean {
    if (this.#shared.mayBeWatched || this.#changesSchema) return false;
    return !schemaWords.test(text.toString('latin1'));
  }

  #carryOut(verdict: QueryVerdict): void {
    const { knowledge } = this.#shared;
    if (verdict.uncacheable === 'transaction' || verdict.uncacheable === 'multiplestatements') this.#isEager = true;
    if (verdict.altersNames) this.#areNamesAltered = true;
    if (verdict.changesSchema) this.#changesSchema = true;
    if (!this.#shared.isWatched) {
      // Nobody would care now, but somebody may before this is committed.
      this.#pending = 'all';
      return;
    }
    const { catalogue } = knowledge;
    const environment = knowledge.environmentOf(this.#client.settings);
    if (mayCommitInside(verdict)) this.#mayCommitInside = true;
    let tables: Tables = isInnocent(verdict) ? [] : 'all';
    if (catalogue !== undefined && environment !== undefined) {
      tables = catalogue.writesOf(verdict, environment);
      if (tables !== 'all' && tables.length > 0 && this.#areNamesAltered) tables = 'all';
    }
    this.#add(tables);
  }

  #add(tables: Tables): void {
    if (tables === 'all') {
      // A procedure may commit while it runs.
      this.#isEager = true;
      this.#pending = 'all';
      return;
    }
    if (tables.length === 0 || this.#pending === 'all') return;
    this.#pending ??= new Set();
    for (const epoch of tables) this.#pending.add(epoch);
    if (this.#pending.size > maxWrittenTables) this.#pending = 'all';
  }

  #toTables(): Tables | undefined {
    const pending = this.#pending;
    return pending === undefined || pending === 'all' ? pending : [...pending];
  }

  /** `isOpen`: it may be committed yet. */
  #move(isOpen = false): void {
    const tables = this.#toTables();
    if (tables === undefined) return;
    if (this.#changesSchema) this.#shared.schemaChanged(isOpen);
    this.#shared.epochs.move(tables);
    this.#remember(tables);
  }

  /** What this client reads from the origin for a while. */
  #remember(tables: Tables): void {
    const now = this.#shared.clock.now();
    const last = this.#last !== undefined && this.#last.until > now ? this.#last.tables : [];
    let written: ReadonlySet<Epoch> | 'all' = 'all';
    if (tables !== 'all' && last !== 'all') written = new Set([...last, ...tables]);
    if (written !== 'all' && written.size > maxWrittenTables) written = 'all';
    this.#last = { tables: written, until: now + ownWriteWindow };
  }
}
