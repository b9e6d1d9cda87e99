// Which relations a write may change: the one it names, those that inherit from it, and those whose foreign keys act.
import type { QueryVerdict, WriteKind } from '../classify/query-verdict.ts';
import type { KeyAction } from './catalogue-query.ts';
import { withChildren, withParents } from './relations.ts';
import type { Relation, Relations } from './relations.ts';

/** What a key's action does to the table that has the key. */
function toKind(action: KeyAction): WriteKind | undefined {
  if (action === 'c') return 'delete';
  return action === 'n' || action === 'd' ? 'update' : undefined;
}

/** What is done to a table whose key refers to one that is written. */
function reactions(kind: WriteKind, onUpdate: KeyAction, onDelete: KeyAction): (WriteKind | undefined)[] {
  // An update that cascades is one there too.
  const updated = toKind(onUpdate) && 'update';
  switch (kind) {
    case 'update':
      return [updated];
    case 'delete':
      return [toKind(onDelete)];
    case 'merge':
      return [updated, toKind(onDelete)];
    case 'truncate-cascade':
      return ['truncate-cascade'];
    default:
      return [];
  }
}

export class Changes {
  readonly relations: Set<Relation> = new Set();
  readonly #verdictOf: (text: string) => QueryVerdict;
  readonly #all: Relations;
  readonly #seen = new Set<string>();

  constructor(verdictOf: (text: string) => QueryVerdict, all: Relations) {
    this.#verdictOf = verdictOf;
    this.#all = all;
  }

  /** Adds a write; false when it may change anything at all. */
  add(relation: Relation, kind: WriteKind): boolean {
    const key = `${relation.oid} ${kind}`;
    if (this.#seen.has(key)) return true;
    this.#seen.add(key);
    if (relation.hasSideEffects || relation.kind === 'f') return false;
    if (relation.kind === 'v') return this.#addView(relation, kind);
    // Rows go to any child; what reads a parent depends on its children one by one.
    for (const child of withChildren(relation)) {
      this.relations.add(child);
      if (child !== relation && !this.add(child, kind)) return false;
    }
    // An update may move a row to another partition, which older versions carry out as a DELETE and an INSERT.
    if (kind === 'update' && (relation.kind === 'p' || relation.parents.length > 0)) return this.add(relation, 'merge');
    // Keys that refer to a parent act for its partitions.
    return [...withParents(relation)].every(({ referring }) =>
      referring.every(({ table, onUpdate, onDelete }) =>
        reactions(kind, onUpdate, onDelete).every((reaction) => reaction === undefined || this.add(table, reaction)),
      ),
    );
  }

  /** A view that can be written passes the write on to one of the relations it reads. */
  #addView(view: Relation, kind: WriteKind): boolean {
    const [definition] = view.definitions;
    const reads = definition === undefined ? [] : this.#verdictOf(definition).reads;
    return (
      reads.length > 0 &&
      reads.every(({ schema, name }) => {
        const base = this.#all.find(schema, name, []);
        return base !== undefined && this.add(base, kind);
      })
    );
  }
}
