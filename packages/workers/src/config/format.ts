// Diagnostics as a person reads them: where, the line itself with a caret, what is wrong and what to do.
import { relative } from 'node:path';
import { stripVTControlCharacters, styleText } from 'node:util';
import type { Diagnostic } from '../project.ts';

export interface FormatOptions {
  /** True to colour the text for a terminal. */
  color: boolean;
  /** Paths inside this folder are shown relative to it. */
  cwd: string;
}

/** The most columns of a line that are quoted. */
const maxQuote = 100;

export function formatDiagnostics(diagnostics: readonly Diagnostic[], options: FormatOptions): string {
  return diagnostics.map((diagnostic) => formatDiagnostic(diagnostic, options)).join('\n');
}

function formatDiagnostic(diagnostic: Diagnostic, { color, cwd }: FormatOptions): string {
  const style = (format: Parameters<typeof styleText>[0], text: string): string =>
    color ? styleText(format, text, { validateStream: false }) : text;
  const { severity, message, remedy, line, column } = diagnostic;
  const shade = severity === 'error' ? 'red' : 'yellow';
  const place = [toShortPath(diagnostic.file, cwd), line, column].filter((part) => part !== undefined).join(':');
  const lines = [`${style('bold', plain(place))} ${style(shade, severity)}: ${plain(message)}`];
  const quoted = toQuote(diagnostic);
  if (quoted !== undefined) {
    lines.push(`  ${style('dim', `${line} |`)} ${quoted.text}`);
    lines.push(`  ${' '.repeat(`${line} |`.length)} ${' '.repeat(quoted.caret)}${style(shade, '^')}`);
  }
  lines.push(`  ${style('cyan', 'fix:')} ${plain(remedy)}`, '');
  return lines.join('\n');
}

function toShortPath(file: string, cwd: string): string {
  const short = relative(cwd, file);
  return short === '' || short.startsWith('..') ? file : short;
}

/** The line cut to a window around the column. */
function toQuote({ quote, column }: Diagnostic): { text: string; caret: number } | undefined {
  if (quote === undefined || column === undefined) return undefined;
  const start = column <= maxQuote ? 0 : column - Math.floor(maxQuote / 2);
  // One for one, so that the caret stays under its column.
  const text = replaceControls(quote.slice(start, start + maxQuote));
  return { text, caret: column - 1 - start };
}

/** Text of a file must not be able to drive the terminal. */
function plain(text: string): string {
  return replaceControls(stripVTControlCharacters(text));
}

function replaceControls(text: string): string {
  return text.replace(/[\p{Cc}\p{Bidi_Control}]/gu, ' ');
}
