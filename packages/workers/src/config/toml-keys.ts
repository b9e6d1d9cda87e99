// Where in a TOML text every value is written. smol-toml gives values without places, and an error about a key is worth
// little without its line.
//
// It runs only on texts that smol-toml has accepted, so it recognises structure and checks nothing; nesting is bounded
// by what the parser accepted.
import type { Path } from './position.ts';

/** One value: where it is written first, and what is inside it. */
export interface TomlKeys {
  offset: number;
  children: Map<string | number, TomlKeys>;
  /** True for an array of tables, which `[name]` and `[[name]]` continue at its last element. */
  tables: boolean;
}

/** The offset at which `path` is written. */
export function toOffset(keys: TomlKeys, path: Path): number | undefined {
  let node: TomlKeys | undefined = keys;
  for (const part of path) node = node?.children.get(part);
  return node?.offset;
}

/** Scans a valid TOML text. */
export function scanTomlKeys(text: string): TomlKeys {
  return new Scanner(text).scan();
}

const escapes: Record<string, string> = { b: '\b', t: '\t', n: '\n', f: '\f', r: '\r', e: '\u001b' };

class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  scan(): TomlKeys {
    const root = toKeys(0);
    let table = root;
    for (this.#skipTrivia(); this.#at < this.#text.length; this.#skipTrivia()) {
      if (this.#text[this.#at] === '[') table = this.#header(root);
      else this.#pair(table);
    }
    return root;
  }

  #header(root: TomlKeys): TomlKeys {
    const isArray = this.#text.startsWith('[[', this.#at);
    this.#at += isArray ? 2 : 1;
    const keys = this.#keyPath();
    this.#at += isArray ? 2 : 1;
    const last = keys.pop();
    if (last === undefined) return root;
    const parent = keys.reduce((node, key) => intoLast(childOf(node, key.name, key.offset)), root);
    const node = childOf(parent, last.name, last.offset);
    if (!isArray) return node;
    node.tables = true;
    return childOf(node, node.children.size, last.offset);
  }

  #pair(table: TomlKeys): void {
    const node = this.#keyPath().reduce((parent, key) => childOf(parent, key.name, key.offset), table);
    this.#at += 1;
    this.#skipSpace();
    this.#value(node);
  }

  /** Reads `a."b".c` and stops at what follows it. */
  #keyPath(): { name: string; offset: number }[] {
    const keys: { name: string; offset: number }[] = [];
    do {
      if (keys.length > 0) this.#at += 1;
      this.#skipSpace();
      const offset = this.#at;
      keys.push({ name: this.#key(), offset });
      this.#skipSpace();
    } while (this.#text[this.#at] === '.');
    return keys;
  }

  #key(): string {
    const quote = this.#text[this.#at];
    const start = this.#at;
    if (quote === '"' || quote === "'") {
      this.#string();
      const inside = this.#text.slice(start + 1, this.#at - 1);
      return quote === '"' ? unescape(inside) : inside;
    }
    while (this.#at < this.#text.length && !/[\s.=\]]/.test(this.#text[this.#at]!)) this.#at += 1;
    return this.#text.slice(start, this.#at);
  }

  #value(node: TomlKeys): void {
    const first = this.#text[this.#at];
    if (first === '"' || first === "'") this.#string();
    else if (first === '[') this.#members(']', () => this.#value(childOf(node, node.children.size, this.#at)));
    else if (first === '{') this.#members('}', () => this.#pair(node));
    else while (this.#at < this.#text.length && !/[,\]}#\n]/.test(this.#text[this.#at]!)) this.#at += 1;
  }

  #members(close: string, member: () => void): void {
    this.#at += 1;
    for (this.#skipTrivia(); this.#at < this.#text.length; this.#skipTrivia()) {
      if (this.#text[this.#at] === close) break;
      if (this.#text[this.#at] === ',') this.#at += 1;
      else member();
    }
    this.#at += 1;
  }

  #string(): void {
    const quote = this.#text[this.#at]!;
    const isLong = this.#text.startsWith(quote.repeat(3), this.#at);
    this.#at += isLong ? 3 : 1;
    while (this.#at < this.#text.length) {
      if (quote === '"' && this.#text[this.#at] === '\\') this.#at += 2;
      else if (this.#text.startsWith(isLong ? quote.repeat(3) : quote, this.#at)) break;
      else this.#at += 1;
    }
    this.#at += isLong ? 3 : 1;
    // Up to two quotes may stand right before the closing three [TOML 1.0, String].
    const extra = isLong ? /^["']{0,2}/.exec(this.#text.slice(this.#at, this.#at + 2))![0] : '';
    if (extra !== '') this.#at += extra.startsWith(quote.repeat(2)) ? 2 : Number(extra.startsWith(quote));
  }

  #skipSpace(): void {
    while (this.#text[this.#at] === ' ' || this.#text[this.#at] === '\t') this.#at += 1;
  }

  #skipTrivia(): void {
    for (; this.#at < this.#text.length; this.#at += 1) {
      if (this.#text[this.#at] === '#')
        while (this.#at < this.#text.length && this.#text[this.#at] !== '\n') this.#at += 1;
      else if (!/\s/.test(this.#text[this.#at]!)) return;
    }
  }
}

function toKeys(offset: number): TomlKeys {
  return { offset, children: new Map(), tables: false };
}

function childOf(parent: TomlKeys, key: string | number, offset: number): TomlKeys {
  let child = parent.children.get(key);
  if (child === undefined) parent.children.set(key, (child = toKeys(offset)));
  return child;
}

function intoLast(node: TomlKeys): TomlKeys {
  return (node.tables ? node.children.get(node.children.size - 1) : undefined) ?? node;
}

function unescape(text: string): string {
  return text.replace(/\\(?:U([\dA-Fa-f]{8})|u([\dA-Fa-f]{4})|x([\dA-Fa-f]{2})|(.))/g, (_, long, short, byte, one) => {
    const digits: string | undefined = long ?? short ?? byte;
    return digits === undefined ? (escapes[one] ?? one) : String.fromCodePoint(Number.parseInt(digits, 16));
  });
}
