// Presence: who is there, by documents that are rewritten as heartbeats.
//
// A lease expires when its reader has seen no new heartbeat for its time to live, by the reader's own monotonic clock:
// clocks of different machines are never compared, and no server has to support expiry.
import type { Clock } from './clock.ts';
import { ControlError } from './errors.ts';
import { absent, type ControlStore, type Json } from './store.ts';

export interface Lease {
  /** Writes the next heartbeat; call it several times per time to live. Rejects with `revision_conflict` when lost. */
  beat: () => Promise<void>;
  /** Takes the document away at once. Idempotent. */
  release: () => Promise<void>;
}

export interface LeaseOptions {
  /** Below `presence/`, so that heartbeats push nothing out of the store's history. */
  key: string;
  value: Json;
  /** Milliseconds a reader waits for the next heartbeat. */
  timeToLive: number;
}

/** Announces presence under `key`; whoever held it before has lost it. */
export async function startLease(store: ControlStore, { key, value, timeToLive }: LeaseOptions): Promise<Lease> {
  let beats = 0;
  let released = false;
  const put = (revision: number) => store.put(key, { value, timeToLive, beats: (beats += 1) }, { revision });
  let { revision } = await put((await store.get(key))?.revision ?? absent);
  return {
    async beat() {
      if (!released) ({ revision } = await put(revision));
    },
    async release() {
      if (released) return;
      released = true;
      try {
        await store.delete(key, { revision });
      } catch (error) {
        if (!(error instanceof ControlError) || error.code !== 'revision_conflict') throw error;
      }
    },
  };
}

export interface PresentHolder {
  key: string;
  value: Json;
}

/** A reader of leases. Keep one: it must have watched a lease for its time to live before it can call it expired. */
export class PresenceReader {
  readonly #store: ControlStore;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #seen = new Map<string, { revision: number; at: number }>();

  constructor(store: ControlStore, { clock }: { clock: Pick<Clock, 'now'> }) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Everyone below `prefix` whose lease has not expired. */
  async present(prefix: string): Promise<PresentHolder[]> {
    const documents = await this.#store.list(prefix);
    const now = this.#clock.now();
    const keys = new Set(documents.map(({ key }) => key));
    for (const key of this.#seen.keys()) if (key.startsWith(prefix) && !keys.has(key)) this.#seen.delete(key);
    return documents.flatMap(({ key, value, revision }) => {
      const body = value as { value?: Json; timeToLive?: Json } | null;
      if (typeof body !== 'object' || typeof body?.timeToLive !== 'number') return [];
      const known = this.#seen.get(key);
      const at = known?.revision === revision ? known.at : now;
      this.#seen.set(key, { revision, at });
      return now - at < body.timeToLive ? [{ key, value: body.value ?? null }] : [];
    });
  }
}
