// The one error class of this package. What can go wrong, its words and its remedy are rows of `errors.table.ts`.
import { errorTable, type ErrorRow } from './errors.table.ts';

/** Stable codes; `switch (error.code)` narrows. */
export type WorkersErrorCode = keyof typeof errorTable;

/** The table with its shape checked; details are checked where a code is used. */
const rows: Record<WorkersErrorCode, ErrorRow<never>> = errorTable;

/** What the message of `code` needs to be told. */
export type WorkersErrorDetails<Code extends WorkersErrorCode> = Parameters<(typeof errorTable)[Code]['message']>[0];

/** The words for one occurrence of an error. */
export interface ErrorText {
  kind: 'user' | 'system';
  message: string;
  remedy: string;
}

/** The words for `code` with its details filled in; diagnostics and errors share them. */
export function toErrorText<Code extends WorkersErrorCode>(code: Code, details: WorkersErrorDetails<Code>): ErrorText {
  const row: ErrorRow<never> = rows[code];
  const remedy = typeof row.remedy === 'string' ? row.remedy : row.remedy(details as never);
  return { kind: row.kind, message: row.message(details as never), remedy };
}

const brand = Symbol.for('sallyport.WorkersError');

/**
 * Something about a Worker project failed. `kind` is 'user' when the remedy is in the user's hands (print it without a
 * stack) and 'system' when it is ours. `instanceof` also works across copies of the package.
 */
export class WorkersError<Code extends WorkersErrorCode = WorkersErrorCode> extends Error {
  override readonly name: string = 'WorkersError';
  readonly code: Code;
  readonly kind: 'user' | 'system';
  readonly remedy: string;

  constructor(code: Code, details: WorkersErrorDetails<Code>, options?: { cause?: unknown }) {
    const { kind, message, remedy } = toErrorText(code, details);
    super(message, options);
    this.code = code;
    this.kind = kind;
    this.remedy = remedy;
    Object.defineProperty(this, brand, { value: true });
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    // A subclass inherits this method, and is less than every error of this package.
    if (this !== WorkersError) return Function.prototype[Symbol.hasInstance].call(this, value);
    return typeof value === 'object' && value !== null && brand in value;
  }
}
