// The relations of the origin: what a read of one depends on, and what a write to one may change.
import type { CatalogueRows, KeyAction, RelationRow } from './catalogue-query.ts';

export interface Relation {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly kind: RelationRow[3];
  readonly hasRowSecurity: boolean;
  readonly hasSideEffects: boolean;
  readonly writesOnRead: boolean;
  readonly children: Relation[];
  readonly parents: Relation[];
  /** Tables with foreign keys to this one, and what those keys do. */
  readonly referring: { readonly table: Relation; readonly onUpdate: KeyAction; readonly onDelete: KeyAction }[];
  /** What is read in its place or besides: a view's query, the conditions of its policies. */
  readonly definitions: readonly string[];
}

export class Relations {
  readonly #byName = new Map<string, Relation>();
  readonly #byOid = new Map<number, Relation>();

  constructor(rows: CatalogueRows) {
    const policies = new Map<number, string[]>();
    for (const [oid, expression] of rows.policy) {
      const list = policies.get(oid) ?? [];
      policies.set(oid, list);
      list.push(`SELECT ${expression}`);
    }
    for (const [oid, schema, name, kind, hasRowSecurity, hasSideEffects, writesOnRead, definition] of rows.relation) {
      const conditions = hasRowSecurity ? (policies.get(oid) ?? []) : [];
      const relation: Relation = {
        oid,
        schema,
        name,
        kind,
        hasRowSecurity,
        hasSideEffects,
        writesOnRead,
        children: [],
        parents: [],
        referring: [],
        definitions: definition === null ? conditions : [definition, ...conditions],
      };
      this.#byOid.set(oid, relation);
      this.#byName.set(toKey(schema, name), relation);
    }
    for (const [child, parent] of rows.child) {
      const [below, above] = [this.#byOid.get(child), this.#byOid.get(parent)];
      if (below === undefined || above === undefined) continue;
      above.children.push(below);
      below.parents.push(above);
    }
    for (const [from, to, onUpdate, onDelete] of rows.key) {
      const table = this.#byOid.get(from);
      if (table !== undefined) this.#byOid.get(to)?.referring.push({ table, onUpdate, onDelete });
    }
  }

  /** What a name means: in its schema, or in the first on the path that has one. */
  find(schema: string | undefined, name: string, path: readonly string[]): Relation | undefined {
    if (schema !== undefined) return this.#byName.get(toKey(schema, name));
    for (const candidate of path) {
      const found = this.#byName.get(toKey(candidate, name));
      if (found !== undefined) return found;
    }
    return undefined;
  }
}

function toKey(schema: string, name: string): string {
  return `${schema}\0${name}`;
}

/** A relation and all that inherits from it: a read of it reads those. */
export function withChildren(relation: Relation, into: Set<Relation> = new Set()): Set<Relation> {
  if (into.has(relation)) return into;
  into.add(relation);
  for (const child of relation.children) withChildren(child, into);
  return into;
}

/** A relation and all it inherits from. */
export function withParents(relation: Relation, into: Set<Relation> = new Set()): Set<Relation> {
  if (into.has(relation)) return into;
  into.add(relation);
  for (const parent of relation.parents) withParents(parent, into);
  return into;
}
