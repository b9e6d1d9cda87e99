// The grammar of PostgreSQL itself, compiled to WebAssembly (libpg-query).
//
// A text that is nested too deeply unwinds the module's stack half-way; what is left behind in it cannot be known, so
// that module is thrown away and the next one is loaded meanwhile.
import { createRequire } from 'node:module';

/** A node of the grammar's tree: `{ SelectStmt: { … } }`. */
export type Tree = { readonly [key: string]: unknown };

export type Parsed =
  | { readonly kind: 'parsed'; readonly statements: readonly Tree[] }
  | { readonly kind: 'error'; readonly message: string }
  | { readonly kind: 'too-deep' }
  /** The grammar is being loaded. */
  | { readonly kind: 'loading' };

/** What of the module is used, under names of ours. */
interface Grammar {
  allocate(bytes: number): number;
  free(pointer: number): void;
  parse(text: number): number;
  freeResult(result: number): void;
  getValue(pointer: number, type: 'i32'): number;
  lengthBytesUTF8(text: string): number;
  stringToUTF8(text: string, pointer: number, bytes: number): void;
  UTF8ToString(pointer: number): string;
}

type CreateModule = () => Promise<
  Grammar & Record<'_malloc' | '_free' | '_wasm_parse_query_raw' | '_wasm_free_parse_result', (value: number) => number>
>;

const require = createRequire(import.meta.url);

export class Parser {
  #grammar: Grammar | undefined;
  #loading: Promise<void> | undefined;

  /** Loads the grammar, once. */
  load(): Promise<void> {
    this.#loading ??= this.#instantiate();
    return this.#loading;
  }

  get isLoaded(): boolean {
    return this.#grammar !== undefined;
  }

  parse(text: string): Parsed {
    const grammar = this.#grammar;
    if (grammar === undefined) {
      void this.load();
      return { kind: 'loading' };
    }
    try {
      return parseWith(grammar, text);
    } catch {
      this.#grammar = undefined;
      this.#loading = undefined;
      void this.load();
      return { kind: 'too-deep' };
    }
  }

  async #instantiate(): Promise<void> {
    const create = require('libpg-query/wasm/libpg-query.js') as CreateModule;
    const {
      _malloc: allocate,
      _free: free,
      _wasm_parse_query_raw: parse,
      _wasm_free_parse_result: freeResult,
      getValue,
      lengthBytesUTF8,
      stringToUTF8,
      UTF8ToString,
    } = await create();
    this.#grammar = { allocate, free, parse, freeResult, getValue, lengthBytesUTF8, stringToUTF8, UTF8ToString };
  }
}

function parseWith(grammar: Grammar, text: string): Parsed {
  const bytes = grammar.lengthBytesUTF8(text) + 1;
  const pointer = grammar.allocate(bytes);
  grammar.stringToUTF8(text, pointer, bytes);
  const result = grammar.parse(pointer);
  grammar.free(pointer);
  const error = grammar.getValue(result + 8, 'i32');
  let parsed: Parsed;
  if (error !== 0) {
    parsed = { kind: 'error', message: grammar.UTF8ToString(grammar.getValue(error, 'i32')) };
  } else {
    const { stmts } = JSON.parse(grammar.UTF8ToString(grammar.getValue(result, 'i32'))) as { stmts: { stmt: Tree }[] };
    parsed = { kind: 'parsed', statements: stmts.map(({ stmt }) => stmt) };
  }
  grammar.freeResult(result);
  return parsed;
}
