// Typed values out of a YAML text, with yaml.v3's rules for what fits where and the place of everything that does not.
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type Document, type Node } from 'yaml';
import type { ConfigDiagnostic } from './config.ts';
import type { ConfigProblemCode } from './config-problems.table.ts';
import { remedyOf } from '../link/tunnel-error.ts';
import { parseDuration } from './duration.ts';

/** The most characters of a configuration that are read. */
export const maxConfigLength: number = 1024 * 1024;

/** The most values looked at: aliases can repeat a small text without end. */
export const maxConfigValues = 100_000;

/** The most diagnostics kept for one file. */
export const maxConfigDiagnostics = 100;

export type YamlNode = Node | null | undefined;

/** Where the problem is, as a node or an offset. */
export type Place = YamlNode | number;

/** Ends reading: what follows could only be noise. */
export class Unreadable extends Error {}

export class YamlValues {
  readonly diagnostics: ConfigDiagnostic[] = [];
  readonly root: YamlNode;
  readonly #file: string;
  readonly #seconds: boolean;
  readonly #lines = new LineCounter();
  readonly #document: Document | undefined;
  #seen = 0;

  constructor(text: string, { file, durations }: { file: string; durations?: 'text' | 'seconds' }) {
    this.#file = file;
    this.#seconds = durations === 'seconds';
    if (text.length > maxConfigLength) {
      this.report(undefined, 'config_too_large', `${file} is longer than ${maxConfigLength} characters`);
      return;
    }
    try {
      const document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false, merge: true });
      for (const error of document.errors) this.#syntax(error.pos[0], error.message);
      if (document.errors.length > 0) return;
      this.#document = document as Document;
      this.root = this.resolve(document.contents as YamlNode);
    } catch (error) {
      // The parser recurses: only a text nested thousands of levels deep gets here.
      this.#syntax(0, `it could not be read: ${(error as Error).message}`);
    }
  }

  get hasErrors(): boolean {
    return this.diagnostics.some(({ severity }) => severity === 'error');
  }

  report(
    place: Place,
    code: ConfigProblemCode,
    message: string,
    more: { severity?: ConfigDiagnostic['severity']; remedy?: string | undefined } = {},
  ): void {
    if (this.diagnostics.length >= maxConfigDiagnostics) return;
    const offset = typeof place === 'number' ? place : place?.range?.[0];
    const at = offset === undefined ? undefined : this.#lines.linePos(offset);
    const { severity = 'error', remedy = remedyOf(code) } = more;
    const position = { line: at === undefined ? undefined : Math.max(at.line, 1), column: at && Math.max(at.col, 1) };
    this.diagnostics.push({ severity, code, message, remedy, file: this.#file, ...position });
  }

  /** The node an alias stands for. */
  resolve(node: YamlNode): YamlNode {
    this.#seen += 1;
    if (this.#seen > maxConfigValues) {
      this.report(node, 'config_too_large', `${this.#file} holds more than ${maxConfigValues} values`);
      throw new Unreadable();
    }
    return isAlias(node) && this.#document !== undefined ? node.resolve(this.#document) : node;
  }

  /** The members of a mapping; `<<` merges what it names below the mapping's own. */
  members(node: YamlNode, what: string, depth = 0): Map<string, { key: YamlNode; value: YamlNode }> {
    const found = new Map<string, { key: YamlNode; value: YamlNode }>();
    if (isNull(node)) return found;
    if (!isMap(node)) {
      this.#mismatch(node, what);
      return found;
    }
    for (const pair of node.items) {
      const key = pair.key as YamlNode;
      const value = this.resolve(pair.value as YamlNode);
      const name = isScalar(key) ? String(key.value) : undefined;
      if (name === '<<' && depth < 8) {
        for (const source of isSeq(value) ? value.items : [value]) {
          const merged = this.members(this.resolve(source as YamlNode), what, depth + 1);
          for (const [inherited, member] of merged) if (!found.has(inherited)) found.set(inherited, member);
        }
      } else if (name !== undefined) found.set(name, { key, value });
      else this.#mismatch(key, 'string');
    }
    return found;
  }

  items(node: YamlNode, what: string): YamlNode[] {
    if (isNull(node)) return [];
    if (isSeq(node)) return node.items.map((item) => this.resolve(item as YamlNode));
    this.#mismatch(node, what);
    return [];
  }

  isList(node: YamlNode): boolean {
    return isSeq(node);
  }

  /** Any scalar is a string, as written. */
  string(node: YamlNode): string | undefined {
    if (isNull(node)) return undefined;
    if (isScalar(node)) return typeof node.value === 'string' ? node.value : (node.source ?? String(node.value));
    return this.#mismatch(node, 'string');
  }

  boolean(node: YamlNode): boolean | undefined {
    if (isNull(node)) return undefined;
    const value = isScalar(node) ? node.value : undefined;
    if (typeof value === 'boolean') return value;
    // yaml.v3 keeps YAML 1.1's words where a boolean is wanted.
    if (typeof value === 'string' && /^(?:y|Y|yes|Yes|YES|on|On|ON)$/.test(value)) return true;
    if (typeof value === 'string' && /^(?:n|N|no|No|NO|off|Off|OFF)$/.test(value)) return false;
    return this.#mismatch(node, 'bool');
  }

  integer(node: YamlNode, what: 'int' | 'uint' = 'int'): number | undefined {
    if (isNull(node)) return undefined;
    const value = isScalar(node) ? node.value : undefined;
    if (typeof value === 'number' && Number.isSafeInteger(value) && (what === 'int' || value >= 0)) return value;
    return this.#mismatch(node, what);
  }

  /** Milliseconds. */
  duration(node: YamlNode): number | undefined {
    if (isNull(node)) return undefined;
    if (this.#seconds) {
      const seconds = this.integer(node);
      return seconds === undefined ? undefined : seconds * 1000;
    }
    const value = isScalar(node) && typeof node.value === 'string' ? parseDuration(node.value) : undefined;
    return value ?? this.#mismatch(node, 'time.Duration');
  }

  unused(key: YamlNode, name: string, where: string): void {
    this.report(key, 'unused_key', `field ${name} not found in ${where}`, { severity: 'warning' });
  }

  #mismatch(node: YamlNode, wanted: string): undefined {
    const line = node?.range ? `line ${this.#lines.linePos(node.range[0]).line}: ` : '';
    const source = isScalar(node) ? (node.source ?? String(node.value)) : '';
    const shown = isScalar(node) ? ` \`${source.length > 10 ? `${source.slice(0, 7)}...` : source}\`` : '';
    const problem = `yaml: unmarshal errors: ${line}cannot unmarshal ${tagOf(node)}${shown} into ${wanted}`;
    this.report(node, 'wrong_type', `error parsing YAML in config file at ${this.#file}: ${problem}`);
    return undefined;
  }

  #syntax(offset: number, problem: string): void {
    this.report(offset, 'yaml_syntax', `error parsing YAML in config file at ${this.#file}: yaml: ${problem}`);
  }
}

export function isNull(node: YamlNode): boolean {
  return node === null || node === undefined || (isScalar(node) && node.value === null);
}

function tagOf(node: YamlNode): string {
  if (isMap(node)) return '!!map';
  if (isSeq(node)) return '!!seq';
  const value = isScalar(node) ? node.value : undefined;
  if (typeof value === 'number') return Number.isInteger(value) ? '!!int' : '!!float';
  return typeof value === 'boolean' ? '!!bool' : '!!str';
}
