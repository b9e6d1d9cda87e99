// Names in a query that may leave something in its session: of functions whose bodies do, of what calls those (other
// functions, operators, triggers and defaults of tables, views), and so on. A text that has one as a word, a function's
// in front of a bracket, is taken to use it: that costs nothing where there is no such function, and little where there is.
import type { CatalogueRows } from '../cache/catalogue-query.ts';
import { judgeBody } from './function-body.ts';
import type { BodyVerdict } from './function-body.ts';
import { maxBody } from './routines-query.ts';
import type { ObjectKey, RoutineRow } from './routines-query.ts';

/** A word, and whether it is called: a comment may hide a bracket. */
const word = /(\.\s*"?)?([\w$\x80-\xff]+)("?\s*(?:\(|\/\*|--))?/g;
/** With these, letters of names may be written as numbers. */
const escapedName = /\bu&"/i;
const wide = /[\x80-\xff]/;
const mayWrite = /\b(?:insert|update|delete|merge|copy|truncate|call|do|refresh|alter)\b/i;
const ddlWords: readonly string[] = [
  'create',
  'alter',
  'drop',
  'grant',
  'revoke',
  'comment',
  'security',
  'import',
  'refresh',
  'reassign',
  'reindex',
];

/** What IN, BETWEEN, LIKE, ORDER BY and the like stand for: a text may use these without a sign of them. */
const wordless: ReadonlySet<string> = new Set(['=', '<>', '<', '<=', '>', '>=', '~', '!~', '~~', '!~~', '~~*', '!~~*']);

/** One character per byte, as texts of queries are read. */
function toBytes(text: string): string {
  return Buffer.from(text).toString('latin1').toLowerCase();
}

/** The words of a text; those that are called once more as `word(`, those behind a dot as `.word`. */
function wordsOf(text: string): string[] {
  const words: string[] = [];
  for (const [, dot, each, bracket] of text.toLowerCase().matchAll(word)) {
    words.push(each!);
    if (bracket !== undefined) words.push(`${each}(`);
    if (dot !== undefined) words.push(`.${each}`);
  }
  return words;
}

function judgeRoutine([, , language, volatility, body, said, isKnownStateless]: RoutineRow): BodyVerdict {
  if (said !== null) return said;
  if (isKnownStateless) return 'stateless';
  // In C, Python and the like a function may do anything; one that says it depends on nothing is taken at its word.
  if (language !== 'sql' && language !== 'plpgsql') return volatility === 'i' ? 'stateless' : 'stateful';
  return body.length > maxBody ? 'stateful' : judgeBody(body);
}

/** Finds what is stateful, from the first ones to whatever uses them. */
class Search {
  readonly found: Set<ObjectKey> = new Set();
  readonly #names = new Map<ObjectKey, string>();
  /** Functions that a name behind a dot may call. */
  readonly #fields: ReadonlySet<string>;
  readonly #users = new Map<ObjectKey, ObjectKey[]>();
  readonly #bodies = new Map<ObjectKey, string>();
  /** Said to be so by their comments, whatever they call. */
  readonly #stateless: ReadonlySet<ObjectKey>;
  /** Functions by the words of their bodies; made when there is something to look for. */
  #byWord: Map<string, ObjectKey[]> | undefined;

  constructor(rows: CatalogueRows) {
    for (const [oid, , name] of rows.relation) {
      this.#names.set(`r${oid}`, toBytes(name));
      this.#names.set(`w${oid}`, toBytes(name));
    }
    for (const [oid, name, , , body, said, isKnownStateless] of rows.routine) {
      this.#names.set(`p${oid}`, toBytes(name));
      if (said === null && !isKnownStateless && body !== '') this.#bodies.set(`p${oid}`, toBytes(body));
    }
    this.#fields = new Set(rows.function.filter((row) => row[4]).map(([name]) => toBytes(name)));
    for (const [oid, name] of rows.symbol) this.#names.set(`o${oid}`, name);
    for (const [used, user] of rows.use) {
      if (user === null) continue;
      this.#use(used, user);
      // A view passes writes on.
      if (used.startsWith('r')) this.#use(`w${used.slice(1)}`, user.startsWith('r') ? `w${user.slice(1)}` : user);
    }
    // Triggers of one are those of the other; a key that cascades sets off those of the table that has it.
    for (const [child, parent] of rows.child) {
      for (const letter of 'rw') {
        this.#use(letter + child, letter + parent);
        this.#use(letter + parent, letter + child);
      }
    }
    for (const [from, to, onUpdate, onDelete] of rows.key) {
      if (!/[cnd]/.test(onUpdate + onDelete)) continue;
      this.#use(`w${from}`, `w${to}`);
      this.#use(`r${from}`, `w${to}`);
    }
    this.#stateless = new Set(rows.routine.filter((row) => row[5] === 'stateless').map(([oid]) => `p${oid}`));
  }

  nameOf(key: ObjectKey): string | undefined {
    return this.#names.get(key);
  }

  add(first: ObjectKey): void {
    const todo = [first];
    for (let key = todo.pop(); key !== undefined; key = todo.pop()) {
      if (this.found.has(key) || this.#stateless.has(key)) continue;
      this.found.add(key);
      todo.push(...(this.#users.get(key) ?? []));
      const name = this.#names.get(key);
      if (name !== undefined) todo.push(...this.#callersOf(key, name));
    }
  }

  #use(used: ObjectKey, user: ObjectKey): void {
    const users = this.#users.get(used);
    if (users === undefined) this.#users.set(used, [user]);
    else users.push(user);
  }

  #callersOf(key: ObjectKey, name: string): ObjectKey[] {
    if (key.startsWith('o')) return [...this.#bodies].filter(([, body]) => body.includes(name)).map(([each]) => each);
    return this.signsOf(key).flatMap((sign) => this.#wordIndex().get(sign) ?? []);
  }

  /** The words that tell of an object. Functions are called, or stand behind a dot when that calls them. */
  signsOf(key: ObjectKey): string[] {
    const name = this.#names.get(key);
    if (name === undefined) return [];
    if (!key.startsWith('p') || !plainName.test(name)) return [partOf(name)];
    return this.#fields.has(name) ? [`${name}(`, `.${name}`] : [`${name}(`];
  }

  #wordIndex(): Map<string, ObjectKey[]> {
    if (this.#byWord !== undefined) return this.#byWord;
    const index = new Map<string, ObjectKey[]>();
    const signs = new Set([...this.#names.keys()].flatMap((key) => this.signsOf(key)));
    for (const [key, body] of this.#bodies) {
      for (const each of new Set(wordsOf(body))) {
        if (!signs.has(each)) continue;
        const keys = index.get(each);
        if (keys === undefined) index.set(each, [key]);
        else keys.push(key);
      }
    }
    this.#byWord = index;
    return index;
  }
}

const plainName = /^[\w$\x80-\xff]+$/;

/** What of a relation's name is looked for: all of it, or its longest word when it has other characters. */
function partOf(name: string): string {
  if (plainName.test(name)) return name;
  return (name.match(/[\w$\x80-\xff]+/g) ?? []).reduce((one, other) => (other.length > one.length ? other : one), '');
}

export class StatefulNames {
  readonly #words: ReadonlySet<string>;
  /** Of tables that are harmless to read. */
  readonly #written: ReadonlySet<string>;
  readonly #symbols: readonly string[];
  readonly #isEverything: boolean;
  /** Names have letters whose bytes are others in other encodings of clients. */
  readonly #isWide: boolean;
  /** The same for the same names. */
  readonly key: string;

  constructor(rows: CatalogueRows) {
    const search = new Search(rows);
    const verdicts = rows.routine.map((row) => [`p${row[0]}`, judgeRoutine(row)] as const);
    for (const [key, verdict] of verdicts) if (verdict === 'stateful') search.add(key);
    for (const [key] of rows.root) search.add(key);
    // What is named while it runs may be any of these.
    if (search.found.size > 0) for (const [key, verdict] of verdicts) if (verdict === 'named') search.add(key);
    const words = new Set<string>();
    const written = new Set<string>();
    const symbols = new Set<string>();
    let isEverything = false;
    for (const key of search.found) {
      const name = search.nameOf(key);
      if (key === '*') isEverything = true;
      else if (key === 'ddl') for (const each of ddlWords) words.add(each);
      else if (name !== undefined && key.startsWith('o')) {
        symbols.add(name);
        if (wordless.has(name)) isEverything = true;
      } else if (name !== undefined) {
        for (const sign of search.signsOf(key)) {
          (key.startsWith('w') ? written : words).add(sign);
          if (sign === '') isEverything = true;
        }
      }
    }
    this.#words = words;
    this.#written = written;
    this.#symbols = [...symbols];
    this.#isEverything = isEverything;
    this.#isWide = [...words, ...written, ...symbols].some((each) => wide.test(each));
    this.key = JSON.stringify([isEverything, ...[words, written, symbols].map((each) => [...each].toSorted())]);
  }

  get isEmpty(): boolean {
    return !this.#isEverything && this.#words.size + this.#written.size + this.#symbols.length === 0;
  }

  /** Whether a text uses one of them. */
  areIn(text: Buffer): boolean {
    if (this.isEmpty) return false;
    if (this.#isEverything) return true;
    const characters = text.toString('latin1');
    if (this.#isWide && wide.test(characters)) return true;
    if (escapedName.test(characters) || this.#symbols.some((symbol) => characters.includes(symbol))) return true;
    const writes = this.#written.size > 0 && mayWrite.test(characters);
    return wordsOf(characters).some((each) => this.#words.has(each) || (writes && this.#written.has(each)));
  }
}
