// Whoever has a connection to the origin, and what it is told of the answers.
import type { TransactionStatus } from '@sallyport/postgres-wire';

/** Comes back with the answer to a request. */
export interface RequestToken {
  /** What the client gets in place of the answer: nothing, or another message. Undefined: the answer itself. */
  readonly replaceBy?: Buffer | false;
  /** The origin carried the request out. */
  done?(): void;
  /** It did not, because of an error: its own, or of a request before it. */
  skipped?(hasFailed: boolean): void;
}

/** Sees what is answered before the holder gets the bytes. */
export interface AnswerWatch {
  /** A command was completed, a portal suspended, a function's result came. */
  completed(): void;
  failed(): void;
  /** ReadyForQuery; `owed` requests are not answered yet. */
  ready(status: TransactionStatus, owed: number): void;
}

/** Whoever has the connection. */
export interface Holder {
  /** Bytes for the client; the connection is read no further while this returns false, until `resume()`. */
  fromOrigin(bytes: Buffer): boolean;
  /** A setting changed and the origin said so. */
  settingChanged(): void;
  /** Nothing is owed; whether a transaction is open, the connection's tracker knows. */
  originSettled(): void;
  originLost(error: Error): void;
  /**
   * Whether it has nothing any more of what it got, so that the memory can be used again. Undefined: nobody can tell,
   * and it gets memory of its own.
   */
  readonly isFlushed?: boolean | undefined;
}
