// Tables, JSON and YAML, as cloudflared prints them.
import { stringify } from 'yaml';
import { UsageError, type Values } from '../../command.ts';
import { toSafeLine } from '../../output/safe-text.ts';

/** Prints for programs when that is asked for, else for people. */
export function print(values: Values, value: unknown, text: () => string): void {
  const format = values['json'] === true ? 'json' : values['output'];
  if (format === undefined) process.stdout.write(text());
  else if (format === 'json') process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
  else process.stdout.write(stringify(value));
}

/** Before anything is done. @throws UsageError */
export function checkFormat(values: Values): void {
  const { output } = values;
  if (output === undefined || output === 'json' || output === 'yaml') return;
  throw new UsageError(`Unknown output format '${String(output)}'. There are json and yaml.`);
}

/** Columns as wide as their widest cell. */
export function toTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, ...rows].map((cells) => cells.map(toSafeLine));
  const widths = head.map((_, column) => Math.max(...lines.map((cells) => cells[column]!.length)));
  return lines
    .map(
      (cells) =>
        `${cells
          .map((cell, column) => cell.padEnd(widths[column]! + 1))
          .join('')
          .trimEnd()}\n`,
    )
    .join('');
}

/** `2026-01-02T03:04:05Z`. */
export function toSeconds(time: string): string {
  return time.replace(/\.\d+Z$/, 'Z');
}

/** How cloudflared writes that there is no such time. */
const noTime = '0001-01-01T00:00:00Z';

/** For programs that read cloudflared's output: a time that is not there is the first second of year 1. */
export function toTime(time: string | null): string {
  return time === null ? noTime : toSeconds(time);
}

/** `-` for something that is not deleted. */
export function toDeleted(time: string | null): string {
  return time === null ? '-' : toSeconds(time);
}
