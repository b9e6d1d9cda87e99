// Reads one configuration file into an object, with everything that can be wrong before its keys are looked at.
import { basename } from 'node:path';
import type { Diagnostic } from '../project.ts';
import { formatOf } from './find-config.ts';
import { parseConfigText } from './parse-text.ts';
import { maxTextBytes, readTextFile, type TextFile } from './read-text.ts';
import { createReport, fromProblem, toDiagnostic, type Report } from './report.ts';
import { describeValue, isTable, type Table } from './value.ts';

export interface ConfigFile {
  /** Undefined when the report says why. */
  root: Table | undefined;
  report: Report;
}

export async function readConfigFile(file: string): Promise<ConfigFile> {
  const format = formatOf(file);
  const content = await readTextFile(file);
  const text = content.kind === 'text' ? content.text : '';
  const parsed = parseConfigText(text, format ?? 'jsonc');
  const report = createReport({ file, text, locate: parsed.locate });
  const refuse = (diagnostic: Diagnostic): ConfigFile => {
    report.add(diagnostic);
    return { root: undefined, report };
  };
  if (content.kind !== 'text') return refuse(toReadDiagnostic(file, content));
  if (format === undefined) return refuse(toDiagnostic('config_extension', { file: basename(file) }, { file }));
  report.add(...parsed.problems.map((problem) => fromProblem(problem, { file, text })));
  if (report.hasErrors) return { root: undefined, report };
  if (isTable(parsed.value)) return { root: parsed.value, report };
  const found = describeValue(parsed.value);
  return refuse(toDiagnostic('config_not_object', { found }, { file, text, position: parsed.locate([]) }));
}

function toReadDiagnostic(file: string, content: Exclude<TextFile, { kind: 'text' }>): Diagnostic {
  const name = basename(file);
  switch (content.kind) {
    case 'missing':
      return toDiagnostic('config_missing', { file }, { file });
    case 'folder':
      return toDiagnostic('config_unreadable', { file: name, reason: 'it is a folder' }, { file });
    case 'too-large':
      return toDiagnostic('config_too_large', { file: name, limit: maxTextBytes }, { file });
    case 'not-text':
      return toDiagnostic('config_not_text', { file: name }, { file });
    case 'unreadable':
      return toDiagnostic('config_unreadable', { file: name, reason: content.reason }, { file });
  }
}
