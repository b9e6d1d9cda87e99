// Collects what there is to say about one configuration file, each thing with its place in the text.
import { blankSecrets, blankUrls } from '../blank-secrets.ts';
import { toErrorText, type WorkersErrorCode, type WorkersErrorDetails } from '../errors.ts';
import type { Diagnostic } from '../project.ts';
import { locateNearest } from './parse-text.ts';
import type { Locate, Path, Position } from './position.ts';
import type { TextProblem } from './text-problem.ts';

/** The most diagnostics kept for one project; a file that is wrong everywhere is not made clearer by more. */
export const maxDiagnostics = 100;

/** A text and where it came from. */
export interface ReportSource {
  file: string;
  text: string;
  locate: Locate;
}

/** Says that something is wrong with the value at `path`; an empty path means the file as a whole. */
export type Say = <Code extends WorkersErrorCode>(path: Path, code: Code, details: WorkersErrorDetails<Code>) => void;

export interface Report {
  readonly diagnostics: Diagnostic[];
  readonly hasErrors: boolean;
  /** Absolute paths of files that are named and not there. */
  readonly missing: string[];
  error: Say;
  warning: Say;
  /** Line of the value at `path`, 1-based; undefined where that cannot be told. */
  lineOf: (path: Path) => number | undefined;
  /** Adds what was found elsewhere. */
  add: (...diagnostics: Diagnostic[]) => void;
}

export function createReport({ file, text, locate }: ReportSource): Report {
  const diagnostics: Diagnostic[] = [];
  const add = (...more: Diagnostic[]): void => {
    diagnostics.push(...more.slice(0, maxDiagnostics - diagnostics.length));
  };
  const say =
    (severity: Diagnostic['severity']): Say =>
    (path, code, details) => {
      const position = path.length === 0 ? undefined : locateNearest(locate, path);
      add(toDiagnostic(code, details, { severity, file, text, position }));
    };
  return {
    diagnostics,
    missing: [],
    get hasErrors() {
      return diagnostics.some(({ severity }) => severity === 'error');
    },
    lineOf: (path) => locateNearest(locate, path)?.line,
    error: say('error'),
    warning: say('warning'),
    add,
  };
}

/** One diagnostic in the words of the error registry. */
export function toDiagnostic<Code extends WorkersErrorCode>(
  code: Code,
  details: WorkersErrorDetails<Code>,
  place: { file: string; severity?: Diagnostic['severity']; text?: string; position?: Position | undefined },
): Diagnostic {
  const { message, remedy } = toErrorText(code, details);
  return fromProblem({ severity: place.severity ?? 'error', code, message, remedy, position: place.position }, place);
}

/** A problem of a text, as a diagnostic of its file. */
export function fromProblem(problem: TextProblem, { file, text = '' }: { file: string; text?: string }): Diagnostic {
  const { severity, code, remedy, position } = problem;
  const line = position === undefined ? undefined : text.split('\n')[position.line - 1]?.replace(/\r$/, '');
  const message = blankUrls(problem.message);
  const quote = line === undefined ? undefined : blankSecrets(line);
  return { severity, code, message, remedy, file, line: position?.line, column: position?.column, quote };
}
