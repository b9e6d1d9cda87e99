// An answer on its way to a client, kept to be stored if all of it came and nothing about it is special.
import { Backend } from '@sallyport/postgres-wire';
import type { TransactionStatus } from '@sallyport/postgres-wire';
import type { Recorder } from '../session/exchange.ts';
import type { Clock } from '../clock.ts';
import { maxRecordingTime } from './limits.ts';
import type { CacheStore } from './cache-store.ts';

/** What an answer may consist of. Errors, notices and changed settings are nobody else's. */
const plain: ReadonlySet<number> = new Set([
  Backend.ParseComplete,
  Backend.BindComplete,
  Backend.CloseComplete,
  Backend.ParameterDescription,
  Backend.RowDescription,
  Backend.NoData,
  Backend.DataRow,
  Backend.CommandComplete,
  Backend.EmptyQueryResponse,
  Backend.ReadyForQuery,
]);

/** What became of it: the bytes, or why there are none. */
export type Recorded = Buffer | 'oversizedresult' | 'not-plain' | 'lost';

export class Recording implements Recorder {
  readonly #store: CacheStore;
  readonly #clock: Clock;
  #cancelTimer: (() => void) | undefined;
  #done: ((recorded: Recorded) => void) | undefined;
  #chunks: Buffer[] = [];
  #length = 0;

  /** `done` is called exactly once, the first moment it is known. */
  constructor({ store, clock }: { store: CacheStore; clock: Clock }, done: (recorded: Recorded) => void) {
    this.#store = store;
    this.#clock = clock;
    this.#done = done;
  }

  bytes(chunk: Buffer): void {
    if (this.#done === undefined) return;
    const isTooLong = this.#length + chunk.length > this.#store.maxResult;
    if (isTooLong || !this.#store.hold(chunk.length)) {
      this.#end(isTooLong ? 'oversizedresult' : 'lost');
      return;
    }
    // Most answers come in one piece. One whose client does not read would be held for as long as that takes.
    if (this.#length > 0) this.#cancelTimer ??= this.#clock.after(maxRecordingTime, () => this.#end('lost'));
    this.#length += chunk.length;
    // The memory of a chunk is read into again.
    this.#chunks.push(Buffer.from(chunk));
  }

  settled(status: TransactionStatus): void {
    if (this.#done === undefined) return;
    // A copy of its own: what came in are parts of chunks that may be much larger.
    const answer = Buffer.allocUnsafeSlow(this.#length);
    let at = 0;
    for (const chunk of this.#chunks) at += chunk.copy(answer, at);
    this.#end(status === 'I' && isPlain(answer) ? answer : 'not-plain');
  }

  lost(): void {
    this.#end('lost');
  }

  #end(recorded: Recorded): void {
    const done = this.#done;
    this.#cancelTimer?.();
    this.#done = undefined;
    this.#store.release(this.#length);
    this.#length = 0;
    this.#chunks = [];
    done?.(recorded);
  }
}

/** Whether an answer has nothing but what is plain, and one ReadyForQuery, at its end. */
function isPlain(answer: Buffer): boolean {
  let at = 0;
  while (at + 5 <= answer.length) {
    const type = answer[at]!;
    if (!plain.has(type)) return false;
    at += answer.readUInt32BE(at + 1) + 1;
    if (type === Backend.ReadyForQuery) return at === answer.length;
  }
  return false;
}
