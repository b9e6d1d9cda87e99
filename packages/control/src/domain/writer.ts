// Writing to the store as the domain does it: read, decide, write against what was read, and again when someone was
// faster. Whoever writes waits until the replica has it, so it can be read back at once.
import { ControlError } from '../errors.ts';
import { absent, type ControlDocument, type ControlStore, type DocumentKey, type Json } from '../store.ts';
import type { Replica } from './replica.ts';

/** Times a change is tried when others change the same document. */
const maxAttempts = 20;

/** What to make of a document: a new value, `null` to delete it, `undefined` to leave it. */
export type Decide<Value> = (found: Value | undefined) => Value | null | undefined;

export class Writer {
  readonly store: ControlStore;
  readonly replica: Replica;

  constructor(store: ControlStore, replica: Replica) {
    this.store = store;
    this.replica = replica;
  }

  async read<Value>(key: DocumentKey): Promise<Value | undefined> {
    return (await this.store.get(key))?.value as Value | undefined;
  }

  /**
   * Changes one document. `decide` may run several times and may throw to refuse.
   * Resolves with what the document is then.
   */
  async change<Value extends object>(key: DocumentKey, decide: Decide<Value>): Promise<Value | undefined> {
    for (let attempt = 1; ; attempt += 1) {
      const found = await this.store.get(key);
      const wanted = decide(found?.value as Value | undefined);
      if (wanted === undefined || (wanted === null && found === undefined)) return found?.value as Value | undefined;
      try {
        return (await this.#write(key, wanted as Json | null, found)) as Value | undefined;
      } catch (error) {
        if (!isConflict(error) || attempt === maxAttempts) throw error;
      }
    }
  }

  /** Deletes a document unless it was changed since; says whether it did. */
  async deleteAt(key: DocumentKey, revision: number): Promise<boolean> {
    try {
      await this.replica.reached(await this.store.delete(key, { revision }));
      return true;
    } catch (error) {
      if (isConflict(error)) return false;
      throw error;
    }
  }

  async #write(key: DocumentKey, value: Json | null, found: ControlDocument | undefined): Promise<Json | undefined> {
    const options = { revision: found?.revision ?? absent };
    const revision =
      value === null ? await this.store.delete(key, options) : (await this.store.put(key, value, options)).revision;
    await this.replica.reached(revision);
    return value ?? undefined;
  }
}

function isConflict(error: unknown): boolean {
  return error instanceof ControlError && error.code === 'revision_conflict';
}
