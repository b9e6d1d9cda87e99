// The table a bench ends with, for people (aligned), for the results folder (Markdown) and for programs (RESULT).
import { toShort } from './statistics.ts';

export interface Row {
  /** Key in RESULT. */
  key: string;
  what: string;
  ours?: string;
  peer?: string;
  /** The figure that is claimed, a ratio unless `unit` says otherwise; null when it could not be measured. */
  value: number | null;
  /** The median of the rounds' own ratios, beside the ratio of medians. */
  pairs?: number;
  unit?: string;
  target?: { value: number; atLeast: boolean };
}

const heads = ['row', 'what', 'ours', 'peer', 'figure', 'of pairs', 'target', 'met'];

export function isMet({ value, target }: Row): boolean | undefined {
  if (target === undefined || value === null) return undefined;
  return target.atLeast ? value >= target.value : value <= target.value;
}

function toCells(row: Row): string[] {
  const { key, what, ours = '', peer = '', value, pairs, unit = '', target } = row;
  const met = isMet(row);
  return [
    key,
    what,
    ours,
    peer,
    value === null ? '–' : `${toShort(value)}${unit}`,
    pairs === undefined ? '' : String(toShort(pairs)),
    target === undefined ? '' : `${target.atLeast ? '≥' : '≤'} ${target.value}${unit}`,
    met === undefined ? '' : met ? 'met' : 'NOT MET',
  ];
}

export function toTextTable(rows: readonly Row[]): string {
  const lines = [heads, ...rows.map(toCells)];
  const widths = heads.map((_, column) => Math.max(...lines.map((cells) => cells[column]!.length)));
  return lines
    .map((cells) =>
      cells
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function toLine(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

export function toMarkdownTable(rows: readonly Row[]): string {
  return [toLine(heads), toLine(heads.map(() => '---')), ...rows.map((row) => toLine(toCells(row)))].join('\n');
}

export function toResult(rows: readonly Row[]): Record<string, number | null> {
  return Object.fromEntries(rows.map(({ key, value }) => [key, value === null ? null : toShort(value)]));
}
