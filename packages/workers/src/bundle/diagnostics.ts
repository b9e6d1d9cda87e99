// esbuild's messages, and our own findings, as diagnostics with a place and the quoted line.
import { resolve } from 'node:path';
import type { Message } from 'esbuild';
import { blankSecrets } from '../blank-secrets.ts';
import { toErrorText, type WorkersErrorCode, type WorkersErrorDetails } from '../errors.ts';
import type { SourceDiagnostic } from './bundle.ts';

export interface MessageContext {
  severity: 'error' | 'warning';
  /** Absolute folder esbuild's relative paths start at. */
  root: string;
  /** Absolute file to name when the message has no place. */
  main: string;
}

/** A finding of our own about a whole file. */
export function toFinding<Code extends WorkersErrorCode>(
  code: Code,
  details: WorkersErrorDetails<Code>,
  { severity, main }: Pick<MessageContext, 'severity' | 'main'>,
): SourceDiagnostic {
  const { message, remedy } = toErrorText(code, details);
  const nowhere = { line: undefined, column: undefined, lineText: undefined, length: undefined };
  return { severity, code, message, remedy, file: main, ...nowhere, notes: [] };
}

const unresolved = /^Could not resolve "(.+)"$/;
const partOfNode = /is built into node/i;

/** The specifier that esbuild could not resolve, when that is what the message is about. */
export function toUnresolved({ text }: Message): string | undefined {
  return unresolved.exec(text)?.[1];
}

/** The registry's words where we have better ones, else esbuild's own. */
function toText(message: Message): { code: WorkersErrorCode; message: string; remedy: string } {
  const specifier = toUnresolved(message);
  if (specifier === undefined)
    return { code: 'build_message', ...toErrorText('build_message', { text: message.text }) };
  const isNode = message.notes.some((note) => partOfNode.test(note.text));
  const code = isNode ? 'node_module_unavailable' : 'unresolved_import';
  return { code, ...toErrorText(code, { specifier }) };
}

/** One message of esbuild; its 0-based byte column becomes a 1-based column in characters. */
export function fromMessage(message: Message, { severity, root, main }: MessageContext): SourceDiagnostic {
  const { code, message: text, remedy } = toText(message);
  // Only files are places the user knows; plugins' virtual modules have namespaces of their own.
  const place = ['', 'file'].includes(message.location?.namespace ?? '') ? message.location : null;
  // Plugins may attach a finding with its own code and remedy.
  const own = (message.detail ?? {}) as Partial<Pick<SourceDiagnostic, 'code' | 'remedy'>>;
  const before = place ? Buffer.from(place.lineText).subarray(0, place.column).toString().length : 0;
  return {
    severity,
    code: own.code ?? code,
    message: text,
    remedy: own.remedy ?? remedy,
    file: place ? resolve(root, place.file) : main,
    line: place?.line,
    column: place ? before + 1 : undefined,
    lineText: place ? blankSecrets(place.lineText) : undefined,
    length: place?.length,
    notes: message.notes.map((note) =>
      note.location ? `${note.location.file}:${note.location.line}: ${note.text}` : note.text,
    ),
  };
}
