// What reading a text can say about it, before anything is known about the file it came from.
import { toErrorText, type WorkersErrorCode, type WorkersErrorDetails } from '../errors.ts';
import type { Locate, Position } from './position.ts';

/** The most syntax errors reported for one file. */
export const maxProblems = 20;

/** Something wrong with a text, and where. */
export interface TextProblem {
  severity: 'error' | 'warning';
  code: WorkersErrorCode;
  message: string;
  remedy: string;
  position: Position | undefined;
}

/** The outcome of parsing a text. */
export interface ParsedText {
  /** Undefined when the text has syntax errors. */
  value: unknown;
  locate: Locate;
  problems: TextProblem[];
}

/** One problem in the words of the error registry. */
export function toProblem<Code extends WorkersErrorCode>(
  code: Code,
  details: WorkersErrorDetails<Code>,
  position: Position | undefined,
  severity: 'error' | 'warning' = 'error',
): TextProblem {
  const { message, remedy } = toErrorText(code, details);
  return { severity, code, message, remedy, position };
}
