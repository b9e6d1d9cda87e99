// What the names in a query mean at the origin, as far as a cache has to know: what it really reads, whether its functions
// give the same result again, and what a write may change besides.
import type { Classifier } from '../classify/classifier.ts';
import type { FunctionName, QueryVerdict } from '../classify/query-verdict.ts';
import type { CatalogueRows } from './catalogue-query.ts';
import type { Epoch, Epochs, Tables } from './epochs.ts';
import { maxWrittenTables } from './limits.ts';
import { StatefulNames } from '../functions/stateful-names.ts';
import { Changes } from './changes.ts';
import { Relations, withChildren } from './relations.ts';
import type { Relation } from './relations.ts';
import { queryRunners, safeStableFunctions } from './stable-functions.table.ts';

/** Whether a query may be cached, and on what its result depends. */
export type Resolution =
  | { readonly kind: 'cacheable'; readonly tables: readonly Epoch[]; readonly relations: readonly string[] }
  | {
      readonly kind: 'uncacheable';
      readonly status: 'uncacheable' | 'volatile';
      readonly why: string;
      /** A name was not found. */
      readonly isUnknown: boolean;
    };

/** The schemas of names without one, and what tells them from others. */
export interface SearchPath {
  readonly path: readonly string[];
  readonly key: string;
}

interface Volatility {
  own: 'i' | 's' | 'v' | undefined;
  ofPostgres: 'i' | 's' | 'v' | undefined;
  mayWrite: boolean;
}

const order = 'isv';

/** Thrown inside a resolution: the query cannot be cached. */
class Refusal {
  readonly resolution: Resolution;
  constructor(status: 'uncacheable' | 'volatile', why: string, isUnknown = false) {
    this.resolution = { kind: 'uncacheable', status, why, isUnknown };
  }
}

export interface CatalogueOptions {
  classifier: Classifier;
  epochs: Epochs;
  /** User functions that are STABLE count as IMMUTABLE. */
  trustStable?: boolean;
}

export class Catalogue {
  /** What may leave something in the session that uses it. */
  readonly stateful: StatefulNames;
  readonly #classifier: Classifier;
  readonly #epochs: Epochs;
  readonly #trustStable: boolean;
  readonly #relations: Relations;
  readonly #functions = new Map<string, Volatility>();
  /** Functions that a field behind a dot may call. */
  readonly #fields = new Set<string>();
  readonly #operators: ReadonlySet<string>;
  readonly #casts: readonly string[];
  readonly #resolutions = new WeakMap<QueryVerdict, Map<string, Resolution>>();
  readonly #writes = new WeakMap<QueryVerdict, Map<string, Tables>>();

  constructor(rows: CatalogueRows, { classifier, epochs, trustStable = false }: CatalogueOptions) {
    this.#classifier = classifier;
    this.#epochs = epochs;
    this.#trustStable = trustStable;
    this.#relations = new Relations(rows);
    this.stateful = new StatefulNames(rows);
    for (const [name, isOwn, volatility, mayWrite, isField] of rows.function) {
      const known = this.#functions.get(name) ?? { own: undefined, ofPostgres: undefined, mayWrite: false };
      this.#functions.set(name, known);
      known.mayWrite ||= mayWrite;
      const key = isOwn ? 'own' : 'ofPostgres';
      const before = known[key];
      if (before === undefined || order.indexOf(volatility) > order.indexOf(before)) known[key] = volatility;
      if (isField && volatility !== 'i') this.#fields.add(name);
    }
    this.#operators = new Set(rows.operator.map(([name]) => name));
    this.#casts = rows.cast.map(([from, to]) => `${from} to ${to}`);
  }

  /** Remembered. */
  resolve(verdict: QueryVerdict, { path, key }: SearchPath): Resolution {
    const memory = memoryOf(this.#resolutions, verdict);
    let resolution = memory.get(key);
    if (resolution === undefined) {
      resolution = this.#resolve(verdict, path);
      memory.set(key, resolution);
    }
    return resolution;
  }

  /** What a statement may change when it is committed. Remembered. */
  writesOf(verdict: QueryVerdict, { path, key }: SearchPath): Tables {
    const memory = memoryOf(this.#writes, verdict);
    let tables = memory.get(key);
    if (tables === undefined) {
      tables = this.#writesOf(verdict, path);
      memory.set(key, tables);
    }
    return tables;
  }

  /** The tables that a name stands for, `schema.name` or `name`, with all that inherits from it. */
  tablesOf(name: string, { path }: SearchPath): readonly Epoch[] {
    const dot = name.indexOf('.');
    const schema = dot === -1 ? undefined : name.slice(0, dot);
    const relation = this.#relations.find(schema, name.slice(dot + 1), path);
    return relation === undefined ? [] : [...withChildren(relation)].map(({ oid }) => this.#epochs.of(oid));
  }

  #resolve(verdict: QueryVerdict, path: readonly string[]): Resolution {
    const found = new Set<Relation>();
    try {
      this.#read(verdict, path, found);
    } catch (refusal) {
      if (refusal instanceof Refusal) return refusal.resolution;
      throw refusal;
    }
    const tables = [...found].filter(({ kind }) => kind !== 'v');
    return {
      kind: 'cacheable',
      tables: tables.map(({ oid }) => this.#epochs.of(oid)),
      relations: [...found].map(({ schema, name }) => `${schema}.${name}`),
    };
  }

  #read(verdict: QueryVerdict, path: readonly string[], found: Set<Relation>): void {
    const { uncacheable, why } = verdict;
    if (uncacheable !== undefined) {
      throw new Refusal(uncacheable === 'volatile' ? 'volatile' : 'uncacheable', why ?? 'Nobody knows why.');
    }
    for (const called of verdict.functions) this.#checkFunction(called);
    for (const operator of verdict.operators) {
      if (this.#operators.has(operator)) {
        throw new Refusal('uncacheable', `The operator ${operator} calls a function that is not IMMUTABLE.`);
      }
    }
    for (const field of verdict.fields) {
      if (this.#fields.has(field)) throw new Refusal('uncacheable', `.${field} may call a function of that name.`);
    }
    const [cast] = this.#casts;
    if (cast !== undefined) {
      throw new Refusal('uncacheable', `The cast from ${cast} calls a function that is not IMMUTABLE.`);
    }
    for (const { schema, name } of verdict.reads) {
      const relation = this.#relations.find(schema, name, path);
      if (relation === undefined) throw new Refusal('uncacheable', `The relation "${name}" is not known.`, true);
      for (const each of withChildren(relation)) this.#readRelation(each, found);
    }
  }

  #readRelation(relation: Relation, found: Set<Relation>): void {
    if (found.has(relation)) return;
    found.add(relation);
    const name = `${relation.schema}.${relation.name}`;
    if (relation.kind === 'f') throw new Refusal('uncacheable', `${name} is a foreign table: others write to it.`);
    if (relation.kind === 'S') throw new Refusal('uncacheable', `${name} is a sequence.`);
    for (const definition of relation.definitions) {
      try {
        this.#read(this.#classifier.verdictOf(Buffer.from(definition)), [], found);
      } catch (refusal) {
        if (!(refusal instanceof Refusal) || refusal.resolution.kind !== 'uncacheable') throw refusal;
        const { status, why } = refusal.resolution;
        throw new Refusal(status, `${name} is ${relation.kind === 'v' ? 'a view' : 'under a policy'}: ${why}`);
      }
    }
  }

  #checkFunction({ schema, name, args }: FunctionName): void {
    const known = this.#functions.get(name);
    if (known === undefined) throw new Refusal('uncacheable', `The function "${name}" is not known.`, true);
    const { own, ofPostgres } = known;
    if (schema !== 'pg_catalog') {
      if (own === 'v') throw new Refusal('volatile', `The function "${name}" is VOLATILE.`);
      if (own === 's' && !this.#trustStable) throw new Refusal('uncacheable', `The function "${name}" is STABLE.`);
    }
    if (schema !== undefined && schema !== 'pg_catalog') return;
    if (ofPostgres === 'v') throw new Refusal('volatile', `The function "${name}" is VOLATILE.`);
    const isSafe = safeStableFunctions.has(name) && (name !== 'age' || args !== 1);
    if (ofPostgres === 's' && !isSafe) {
      throw new Refusal('volatile', `The function "${name}" depends on more than its arguments and the settings.`);
    }
  }

  #writesOf(verdict: QueryVerdict, path: readonly string[]): Tables {
    if (verdict.writes === 'unknown' || this.#mayRunAnything(verdict, path)) return 'all';
    const changes = new Changes((text) => this.#verdictOf(text), this.#relations);
    for (const { schema, name, kind } of verdict.writes) {
      const relation = this.#relations.find(schema, name, path);
      if (relation === undefined || !changes.add(relation, kind)) return 'all';
    }
    if (changes.relations.size > maxWrittenTables) return 'all';
    return [...changes.relations].map(({ oid }) => this.#epochs.of(oid));
  }

  /** Functions of users that are VOLATILE may write; so may what runs a query that it is given. */
  #mayRunAnything({ functions, operators, fields, reads }: QueryVerdict, path: readonly string[]): boolean {
    const calls = functions.some(({ name }) => {
      const known = this.#functions.get(name);
      return known === undefined || known.mayWrite || queryRunners.has(name);
    });
    if (calls || operators.some((name) => this.#operators.has(name))) return true;
    if (fields.some((name) => this.#fields.has(name))) return true;
    return reads.some(({ schema, name }) => {
      const relation = this.#relations.find(schema, name, path);
      return relation !== undefined && this.#writesOnRead(relation, new Set());
    });
  }

  #writesOnRead(relation: Relation, seen: Set<Relation>): boolean {
    if (seen.has(relation)) return false;
    seen.add(relation);
    if (relation.writesOnRead) return true;
    return relation.definitions.some((definition) =>
      this.#verdictOf(definition).reads.some(({ schema, name }) => {
        const inner = this.#relations.find(schema, name, []);
        return inner !== undefined && this.#writesOnRead(inner, seen);
      }),
    );
  }

  #verdictOf(text: string): QueryVerdict {
    return this.#classifier.verdictOf(Buffer.from(text));
  }
}

function memoryOf<Value>(
  memories: WeakMap<QueryVerdict, Map<string, Value>>,
  verdict: QueryVerdict,
): Map<string, Value> {
  let memory = memories.get(verdict);
  if (memory === undefined) {
    memory = new Map();
    memories.set(verdict, memory);
  }
  return memory;
}
