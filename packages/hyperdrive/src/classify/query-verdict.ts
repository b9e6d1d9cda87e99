// What the text of a query says about it, before anybody asked the origin what its names mean.

/** A relation as written, without quotes, folded to lower case where it was not quoted. */
export interface RelationName {
  readonly schema?: string;
  readonly name: string;
}

/** What is done to a relation, as far as foreign keys act on it: rows are added, updated, deleted, or all are gone. */
export type WriteKind = 'insert' | 'update' | 'delete' | 'merge' | 'truncate' | 'truncate-cascade';

export interface WrittenRelation extends RelationName {
  readonly kind: WriteKind;
}

export interface FunctionName {
  readonly schema?: string;
  readonly name: string;
  /** How many arguments it is called with. */
  readonly args: number;
}

/** The documented words of `cacheStatus` that a text alone can earn. */
export type Uncacheable =
  | 'notaquery'
  | 'multiplestatements'
  | 'parseerror'
  | 'transaction'
  | 'volatile'
  | 'oversizedquery'
  | 'uncacheable';

export interface QueryVerdict {
  /** Why a query cannot be cached, by its text alone; undefined when the origin's catalogue decides. */
  readonly uncacheable: Uncacheable | undefined;
  /** The same in words, for people. */
  readonly why: string | undefined;
  /** What it reads, names of common table expressions taken out. */
  readonly reads: readonly RelationName[];
  /** What it may write; 'unknown' is anything at all. */
  readonly writes: readonly WrittenRelation[] | 'unknown';
  /** What it calls. */
  readonly functions: readonly FunctionName[];
  /** Operators by name, each once: a user's operator may hide a function. */
  readonly operators: readonly string[];
  /** Names behind a dot: `row.name` calls the function `name(row)` when there is no such column. */
  readonly fields: readonly string[];
  /** One SELECT, VALUES or TABLE that locks nothing and makes nothing; its functions are another matter. */
  readonly isReadOnly: boolean;
  /** It may change what names mean to its session: search_path, role. */
  readonly altersNames: boolean;
  /** It may change what names mean: DDL, and what may run some. */
  readonly changesSchema: boolean;
}
