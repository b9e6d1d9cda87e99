// Generates TOML documents in many styles, and remembers where it wrote each key.
import * as fc from 'fast-check';
import type { Path } from '../../src/config/position.ts';

export interface TomlDocument {
  text: string;
  places: { path: Path; line: number; column: number }[];
}

/** What is between things: comments and blank lines hold everything that could be mistaken for a key. */
const trivia = fc.constantFrom('', '\n', '# a = 1\n', '\n\n  # [table]\n', '\r\n');
const space = fc.constantFrom('', ' ', '\t', '  ');
const scalar = fc.constantFrom(
  '1',
  '-0.5e3',
  'true',
  '"x = 1 # ]"',
  "'[x]'",
  '"\\" = \\\\"',
  '1979-05-27 07:32:00',
  '0xff',
  '"""\n[x]\ny = 1 ""\\" """',
  "'''\n[x]\n'y = 1\n'''",
  '""""a"""""',
  'inf',
);

type Value = string | Value[] | { table: [string, Value][] };
interface Section {
  name: string;
  array: boolean;
  pairs: [string, Value][];
}

const anyName = fc.constantFrom('a', 'b1', '-c_', 'dotted.key', 'has space', 'quo"te', '[d]', '# e', '=', '1');
const anyValue = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    scalar,
    fc.array(tie('value'), { maxLength: 3 }),
    fc
      .uniqueArray(fc.tuple(anyName, tie('value')), { maxLength: 3, selector: ([key]) => key })
      .map((table) => ({ table })),
  ),
})).value;
const anyPairs = fc.uniqueArray(fc.tuple(anyName, anyValue), { maxLength: 4, selector: ([key]) => key });

export function tomlDocument(): fc.Arbitrary<TomlDocument> {
  const section: fc.Arbitrary<Section> = fc.record({ name: anyName, array: fc.boolean(), pairs: anyPairs });
  const styles = fc.record({
    trivia: fc.array(trivia, { minLength: 1, maxLength: 5 }),
    spaces: fc.array(space, { minLength: 1, maxLength: 5 }),
    quotes: fc.array(fc.nat(2), { minLength: 1, maxLength: 5 }),
    dotted: fc.array(fc.boolean(), { minLength: 1, maxLength: 5 }),
  });
  return fc.tuple(anyPairs, fc.array(section, { maxLength: 4 }), styles).map(([top, sections, style]) => {
    const writer = new Writer(style);
    writer.pairs(top, []);
    const counts = new Map<string, number>();
    const kinds = new Map<string, boolean>();
    for (const { name: key, array, pairs: members } of sections) {
      // A name is either a table, once, or an array of tables; and sections stay clear of the top-level keys.
      const prefixed = `s ${key}`;
      const isArray = kinds.get(prefixed) ?? array;
      if (!isArray && kinds.has(prefixed)) continue;
      kinds.set(prefixed, isArray);
      const index = counts.get(prefixed) ?? 0;
      counts.set(prefixed, index + 1);
      writer.header(prefixed, isArray, index);
      writer.pairs(members, isArray ? [prefixed, index] : [prefixed]);
    }
    return writer.document();
  });
}

interface Style {
  trivia: string[];
  spaces: string[];
  quotes: number[];
  dotted: boolean[];
}

class Writer {
  #text = '';
  #turn = 0;
  readonly #style: Style;
  readonly #places: { path: Path; offset: number }[] = [];

  constructor(style: Style) {
    this.#style = style;
  }

  document(): TomlDocument {
    const places = this.#places.map(({ path, offset }) => {
      const before = this.#text.slice(0, offset).split('\n');
      return { path, line: before.length, column: before.at(-1)!.length + 1 };
    });
    return { text: this.#text, places };
  }

  header(key: string, isArray: boolean, index: number): void {
    this.#text += this.#pick(this.#style.trivia) + (isArray ? '[[' : '[') + this.#pick(this.#style.spaces);
    if (index === 0) this.#note([key]);
    if (isArray) this.#note([key, index]);
    this.#text += `${this.#quote(key)}${this.#pick(this.#style.spaces)}${isArray ? ']]' : ']'} # [x]\n`;
  }

  pairs(pairs: [string, Value][], path: Path): void {
    for (const pair of pairs) {
      this.#text += this.#pick(this.#style.trivia);
      this.#pair(pair, path);
      this.#text += '\n';
    }
  }

  #pair([key, value]: [string, Value], path: Path): void {
    const own = [...path, key];
    this.#text += this.#pick(this.#style.spaces);
    this.#note(own);
    this.#text += this.#quote(key);
    const single = typeof value === 'object' && !Array.isArray(value) && value.table.length === 1;
    if (single && this.#pick(this.#style.dotted)) {
      this.#text += `${this.#pick(this.#style.spaces)}.`;
      this.#pair(value.table[0]!, own);
      return;
    }
    this.#text += `${this.#pick(this.#style.spaces)}=${this.#pick(this.#style.spaces)}`;
    this.#value(value, own);
  }

  #value(value: Value, path: Path): void {
    if (typeof value === 'string') this.#text += value;
    else if (Array.isArray(value)) {
      this.#text += '[';
      for (const [index, member] of value.entries()) {
        this.#text += this.#pick(this.#style.trivia) + this.#pick(this.#style.spaces);
        this.#note([...path, index]);
        this.#value(member, [...path, index]);
        this.#text += `${this.#pick(this.#style.spaces)},`;
      }
      this.#text += `${this.#pick(this.#style.trivia)}]`;
    } else {
      this.#text += '{';
      for (const [index, pair] of value.table.entries()) {
        if (index > 0) this.#text += ',';
        this.#pair(pair, path);
      }
      this.#text += `${this.#pick(this.#style.spaces)}}`;
    }
  }

  #note(path: Path): void {
    this.#places.push({ path, offset: this.#text.length });
  }

  #quote(key: string): string {
    const style = this.#pick(this.#style.quotes);
    if (style === 0 && /^[\w-]+$/.test(key)) return key;
    if (style === 1) return `'${key}'`;
    return `"${key.replaceAll('"', '\\"').replace(/^a/, '\\u0061')}"`;
  }

  #pick<T>(choices: readonly T[]): T {
    this.#turn += 1;
    return choices[this.#turn % choices.length]!;
  }
}
