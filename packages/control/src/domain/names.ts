// Names that can change and must be unique, when several processes write one store and any of them may die in between.
//
// A name is held by an index document `{ id }`. The holder's own document says so too: either it has the name, or it has
// it as `pending_name` while the index is being written. An index document whose holder says neither is left over and
// may be taken. To take a name that is only pending, the pending mark is taken away first, which makes the slower
// writer's last step fail: so two writers may both lose, but never both win.
import { ControlError } from '../errors.ts';
import type { DocumentKey } from '../store.ts';
import { type NamedRecord, nameKey } from './records.ts';
import type { Writer } from './writer.ts';

type NameIndex = { readonly id: string };

export interface NameOptions {
  /** Prefix of the index documents. */
  prefix: string;
  keyOf: (id: string) => DocumentKey;
  /** Said when the name is another's. */
  taken: (name: string) => string;
}

function isDeleted(record: NamedRecord | undefined): boolean {
  return record === undefined || (record.deleted_at ?? null) !== null;
}

/** Whether a record still has its name. */
function holds(record: NamedRecord | undefined, name: string): boolean {
  return !isDeleted(record) && record?.name === name;
}

/**
 * Gives `record` its pending name and writes it, `record` being new or what is stored, perhaps with that name pending.
 * @throws ControlError `already_exists`, or `not_found` when it is deleted meanwhile
 */
export async function takeName<Value extends NamedRecord>(
  writer: Writer,
  { record, name, ...options }: NameOptions & { record: Value; name: string },
): Promise<Value> {
  const { id } = record;
  const key = options.keyOf(id);
  const taken = (): ControlError => new ControlError('already_exists', options.taken(name));
  const isNew = record.name === '';
  const checkExists = (found: Value | undefined): void => {
    if (!isNew && isDeleted(found)) throw new ControlError('not_found', `${record.name} any more: it was deleted`);
  };
  if (record.pending_name !== name) {
    await writer.change<Value>(key, (found) => {
      checkExists(found);
      return { ...(found ?? record), pending_name: name };
    });
  }
  try {
    await writer.change<NameIndex>(await freeIndex(writer, { ...options, id, name }), (found) => {
      if (found !== undefined && found.id !== id) throw taken();
      return { id };
    });
    const written = await writer.change<Value>(key, (found) => {
      checkExists(found);
      if (found === undefined || found.pending_name !== name) throw taken();
      const { pending_name: _, ...rest } = found;
      return { ...rest, name } as unknown as Value;
    });
    if (!isNew && record.name !== name) await releaseName(writer, { ...options, id, name: record.name });
    return written!;
  } catch (error) {
    await dropPending<Value>(writer, key, name);
    throw error;
  }
}

/** The index document's key, once nobody is left who could still hold the name by it. */
async function freeIndex(
  writer: Writer,
  { prefix, keyOf, taken, id, name }: NameOptions & { id: string; name: string },
): Promise<DocumentKey> {
  const key = nameKey(prefix, name);
  const index = await writer.store.get(key);
  const holder = (index?.value as NameIndex | undefined)?.id ?? id;
  if (index === undefined || holder === id) return key;
  await dropPending(writer, keyOf(holder), name);
  const held = holds(await writer.read<NamedRecord>(keyOf(holder)), name);
  // Deleted as it was before the pending mark went: a holder that has written it since has tried again.
  const deleted = !held && (await writer.deleteAt(key, index.revision));
  if (!deleted) throw new ControlError('already_exists', taken(name));
  return key;
}

/** Takes away a pending name; a record that never had any other goes with it. */
async function dropPending<Value extends NamedRecord>(writer: Writer, key: DocumentKey, name: string): Promise<void> {
  await writer.change<Value>(key, (found) => {
    if (found?.pending_name !== name) return undefined;
    if (found.name === '') return null;
    const { pending_name: _, ...rest } = found;
    return rest as unknown as Value;
  });
}

/** Lets others have a name. */
export async function releaseName(
  writer: Writer,
  { prefix, id, name }: Pick<NameOptions, 'prefix'> & { id: string; name: string },
): Promise<void> {
  await writer.change<NameIndex>(nameKey(prefix, name), (found) => (found?.id === id ? null : undefined));
}
