// workerd's output as logs: JSON lines (`structuredLogging`), and whatever else it prints when it crashes.
import { exceptionMarker } from '../bundle/worker/invoke.ts';
import type { LogLevel, RuntimeException, RuntimeLog } from './runtime-log.ts';
import type { StackMapper } from './source-mapped.ts';

/** Longer lines are cut: a Worker may log without end and without a newline. */
export const longestLine: number = 1024 * 1024;

/** Reports whose repetition by workerd is still expected. */
const rememberedReports = 32;

interface LogLine {
  timestamp: number | string;
  level: string;
  message: string;
  /** Source position in workerd: only its own messages have one. */
  source?: string;
}

const levels = new Set<string>(['debug', 'log', 'info', 'warn', 'error'] satisfies LogLevel[]);

function parseLine(line: string): LogLine | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const parsed = JSON.parse(line) as Partial<LogLine>;
    return typeof parsed.message === 'string' && typeof parsed.level === 'string' ? (parsed as LogLine) : undefined;
  } catch {
    return undefined;
  }
}

type Thrown = Omit<RuntimeException, 'event'>;

const isThrown = (value: unknown): value is Thrown => {
  const { name, message, stack, code, remedy, retryable, cause } = (value ?? {}) as Record<keyof Thrown, unknown>;
  const optional = [stack, code, remedy];
  return (
    (retryable === undefined || retryable === true) &&
    [name, message].every((field) => typeof field === 'string') &&
    optional.every((field) => field === undefined || typeof field === 'string') &&
    (cause === undefined || isThrown(cause))
  );
};

/** A report of `worker/invoke.ts`; undefined when a Worker printed something that only looks like one. */
function parseReport(text: string): { event: string; error: Thrown } | undefined {
  try {
    const { event, error } = JSON.parse(text) as { event: unknown; error: unknown };
    return typeof event === 'string' && isThrown(error) ? { event, error } : undefined;
  } catch {
    return undefined;
  }
}

function mapException<Exception extends Thrown>(error: Exception, mapper: StackMapper): Exception {
  return {
    ...error,
    ...(error.stack !== undefined && { stack: mapper.map(error.stack) }),
    ...(error.cause !== undefined && { cause: mapException(error.cause, mapper) }),
  };
}

/** The stack and those of the causes, but for a cause that only says the same, as a wrapped error of the system does. */
function toText({ name, message, stack, cause }: Thrown): string {
  const text = stack ?? `${name}: ${message}`;
  return cause === undefined || cause.message === message ? text : `${text}\nCaused by: ${toText(cause)}`;
}

export interface LogParserOptions {
  mapper: StackMapper;
  onLog: (log: RuntimeLog) => void;
  now: () => number;
}

/** Addresses inside workerd's executable mean nothing to anybody here. */
const ownStack = /\nstack: .*$/s;
/** Nor do places in workerd's sources and its names for JavaScript's errors. */
const ownPlace = /^(Uncaught exception: )\S+: failed: (?:remote\.)*jsg\./;

/** What workerd prints, without an error's text, when a handler threw an error that is `retryable`. */
const noResponse = 'HTTP connection failed: the handler sent no response';

/** An error the way workerd prints it: it knows few names, and puts the others into the message. */
function repetitionsOf({ name, message }: Thrown): string[] {
  const text = [name, message].filter((part) => part !== '').join(': ');
  const texts =
    name === 'Thrown'
      ? [`Error: ${message}`, 'Error: #<Object>']
      : [text, `Error: ${text}`, `DOMException(${name}): ${message}`];
  return texts.map((line) => `Uncaught exception: ${line}`);
}

/** Turns chunks of one output stream into logs. */
export class LogParser {
  readonly #options: LogParserOptions;
  readonly #reports: Thrown[] = [];
  #rest = '';

  constructor(options: LogParserOptions) {
    this.#options = options;
  }

  push(chunk: string): void {
    const lines = (this.#rest + chunk).split('\n');
    this.#rest = (lines.pop() ?? '').slice(0, longestLine);
    for (const line of lines) this.#line(line);
  }

  /** The last line may lack its newline. */
  end(): void {
    this.#line(this.#rest);
    this.#rest = '';
  }

  #line(line: string): void {
    if (line.trim() === '') return;
    const { mapper, onLog, now } = this.#options;
    const parsed = parseLine(line);
    if (parsed === undefined) {
      onLog({ kind: 'runtime', level: 'error', message: mapper.map(line), time: now() });
      return;
    }
    const isReport = parsed.source === undefined && parsed.message.startsWith(exceptionMarker);
    if (isReport && this.#exception(parsed)) return;
    const isConsole = parsed.source === undefined;
    const text = isConsole ? parsed.message : parsed.message.replace(ownStack, '').replace(ownPlace, '$1');
    if (isConsole || !this.#isRepetition(text)) {
      const level = levels.has(parsed.level) ? (parsed.level as LogLevel) : 'info';
      const message = mapper.map(text);
      onLog({ kind: isConsole ? 'console' : 'runtime', level, message, time: Number(parsed.timestamp) });
    }
  }

  #exception({ message, timestamp }: LogLine): boolean {
    const { mapper, onLog } = this.#options;
    const report = parseReport(message.slice(exceptionMarker.length));
    if (report === undefined) return false;
    const { event, error } = report;
    const exception = { event, ...mapException(error, mapper) };
    this.#reports.push(error);
    if (this.#reports.length > rememberedReports) this.#reports.shift();
    onLog({ kind: 'exception', level: 'error', message: toText(exception), time: Number(timestamp), exception });
    return true;
  }

  /** workerd prints the message of what a handler threw as well; ours came before and has the stack. */
  #isRepetition(text: string): boolean {
    const index = this.#reports.findIndex((report) =>
      text === noResponse ? report.retryable : repetitionsOf(report).includes(text),
    );
    if (index !== -1) this.#reports.splice(index, 1);
    return index !== -1;
  }
}
