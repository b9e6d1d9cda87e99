// What a command is: its words, its options and what it does. Help, parsing and `docs/reference/cli.md` are made from it.
import { parseArgs } from 'node:util';
import { suggestOptions, toQuestion } from './suggestion.ts';

export interface Option {
  /** Without it the option is a switch. The name of its value in the help, such as `PORT`. */
  value?: string;
  short?: string;
  /** May be given several times. */
  multiple?: boolean;
  help: string;
}

export type Values = Record<string, string | boolean | (string | boolean)[] | undefined>;

export interface Command {
  /** One word or several, as in `tunnel route ip add`. */
  name: string;
  summary: string;
  /** Names of the positional arguments in the help; `[X]` is optional, a last `X...` may be given several times. */
  positionals: string[];
  options: Record<string, Option>;
  /** Lines that can be typed as they are, each with what it does. */
  examples: [line: string, effect: string][];
  /** Resolves to the exit code. */
  run(values: Values, positionals: string[]): Promise<number>;
}

/** The user's call cannot be understood. */
export class UsageError extends Error {
  override readonly name: string = 'UsageError';
  /** The command that was called, when it is known. */
  command: string | undefined;
  /** How many arguments there were, when they were too many. */
  given: number | undefined;
}

/** What a call's words name: a command and its arguments, or else the group of commands they go into. */
export function findCommand(
  table: readonly Command[],
  words: readonly string[],
): { command: Command | undefined; group: string[]; rest: string[] } {
  let candidates = table.map((command) => ({ command, path: command.name.split(' ') }));
  let found: Command | undefined;
  let depth = 0;
  for (;;) {
    found = candidates.find(({ path }) => path.length === depth)?.command;
    const word = words[depth];
    const deeper = candidates.filter(({ path }) => path[depth] === word);
    if (word === undefined || deeper.length === 0) break;
    candidates = deeper;
    depth += 1;
  }
  return { command: found, group: words.slice(0, depth), rest: words.slice(depth) };
}

/** @throws UsageError */
export function parseCommand(command: Command, args: string[]): { values: Values; positionals: string[] } {
  const known: Record<string, Option> = { ...command.options, help: { help: '', short: 'h' } };
  const options = Object.fromEntries(
    Object.entries(known).map(([name, { value, short, multiple = false }]) => [
      name,
      {
        type: value === undefined ? ('boolean' as const) : ('string' as const),
        ...(short === undefined ? {} : { short }),
        multiple,
      },
    ]),
  );
  try {
    const { values, positionals } = parseArgs({ args: withoutTruth(args, known), options, allowPositionals: true });
    for (const name of falseSwitches(args, known)) values[name] = false;
    const most = command.positionals.at(-1)?.endsWith('...') === true ? Infinity : command.positionals.length;
    if (positionals.length > most) {
      const error = new UsageError(`Unexpected argument: ${positionals[command.positionals.length]}`);
      throw Object.assign(error, { given: positionals.length });
    }
    const required = command.positionals.filter((name) => !name.startsWith('['));
    if (values['help'] !== true && positionals.length < required.length) {
      throw new UsageError(`Missing argument: ${required[positionals.length]}`);
    }
    return { values, positionals };
  } catch (error) {
    const { message } = error as Error;
    const text = error instanceof UsageError ? message : toParseText(message, Object.keys(known));
    const given = error instanceof UsageError ? error.given : undefined;
    throw Object.assign(new UsageError(text, { cause: error }), { command: command.name, given });
  }
}

/** Node's text in fewer words. */
function toParseText(message: string, known: readonly string[]): string {
  const ambiguous = /^Option '(?:-\w, )?(--[\w-]+).*argument is ambiguous/.exec(message)?.[1];
  const unknown = /^Unknown option '--([^'=]+)/.exec(message)?.[1];
  if (unknown !== undefined) {
    return `Unknown option '--${unknown}'${toQuestion(suggestOptions(known, unknown).map((name) => `--${name}`))}`;
  }
  if (ambiguous === undefined) return message.split('. ')[0]!;
  return `${ambiguous} has no value; for one that begins with "-" write ${ambiguous}=VALUE`;
}

const switchWithValue = /^--([\w-]+)=(true|false)$/;

/** `--switch=true` as `--switch`, which is how scripts for other tools write it; `--switch=false` as nothing. */
function withoutTruth(args: readonly string[], known: Record<string, Option>): string[] {
  return args.flatMap((arg) => {
    const [, name = '', truth] = switchWithValue.exec(arg) ?? [];
    if (truth === undefined || !isSwitch(known, name)) return [arg];
    return truth === 'true' ? [`--${name}`] : [];
  });
}

function falseSwitches(args: readonly string[], known: Record<string, Option>): string[] {
  return args.flatMap((arg) => {
    const [, name = '', truth] = switchWithValue.exec(arg) ?? [];
    return truth === 'false' && isSwitch(known, name) ? [name] : [];
  });
}

function isSwitch(known: Record<string, Option>, name: string): boolean {
  return Object.hasOwn(known, name) && known[name]!.value === undefined;
}

/** A port number from an option. @throws UsageError */
export function toPort(values: Values, name: string): number | undefined {
  const text = values[name];
  if (text === undefined) return undefined;
  const port = Number(text);
  if (!/^\d+$/.test(String(text)) || port > 65_535) throw new UsageError(`--${name} takes a port number, not ${text}`);
  return port;
}

/** A whole number from an option. @throws UsageError */
export function toWhole(values: Values, name: string): number | undefined {
  const text = values[name];
  if (text === undefined) return undefined;
  if (/^\d{1,9}$/.test(String(text))) return Number(text);
  throw new UsageError(`--${name} takes a whole number, not ${String(text)}`);
}

/** A text option. */
export function toText(values: Values, name: string): string | undefined {
  const text = values[name];
  return typeof text === 'string' ? text : undefined;
}
