// Answers by key, bounded in bytes, used least recently gone first. One for all pools of a process.
import { LRUCache } from 'lru-cache';
import type { Epoch } from './epochs.ts';
import { defaultCacheBytes, entryOverhead, maxResult } from './limits.ts';

/** One answer of the origin. */
export interface CacheEntry {
  /** All of it, as a client gets it who sent a Parse; `unprepared` is the same for one who did not. */
  readonly bytes: Buffer;
  readonly unprepared: Buffer;
  /** What it depends on, and the sum of their epochs before it was asked for. */
  readonly tables: readonly Epoch[];
  readonly sum: number;
  readonly storedAt: number;
  readonly tags: readonly string[];
  /** The config whose it is. */
  readonly owner: object;
  hits: number;
}

export class CacheStore {
  readonly maxBytes: number;
  readonly #entries: LRUCache<string, CacheEntry>;
  #recording = 0;

  constructor(maxBytes: number = defaultCacheBytes) {
    this.maxBytes = maxBytes;
    this.#entries = new LRUCache({
      maxSize: Math.max(1, maxBytes),
      sizeCalculation: (entry, key) => entry.bytes.length + 2 * key.length + entryOverhead,
    });
  }

  /** The longest answer that is stored. */
  get maxResult(): number {
    return Math.min(maxResult, Math.floor(this.maxBytes * 0.8));
  }

  get bytes(): number {
    return this.#entries.calculatedSize;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): CacheEntry | undefined {
    return this.#entries.get(key);
  }

  /** The same without making it the one used last. */
  peek(key: string): CacheEntry | undefined {
    return this.#entries.peek(key);
  }

  set(key: string, entry: CacheEntry): void {
    this.#entries.set(key, entry);
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }

  /** Whether that many more bytes of unfinished answers may be held; `release()` them later. */
  hold(bytes: number): boolean {
    if (this.#recording + bytes > this.maxBytes) return false;
    this.#recording += bytes;
    return true;
  }

  release(bytes: number): void {
    this.#recording -= bytes;
  }

  /** Removes what matches; returns how many. */
  remove(matches: (entry: CacheEntry) => boolean): number {
    let removed = 0;
    for (const [key, entry] of this.#entries.entries()) {
      if (!matches(entry)) continue;
      this.#entries.delete(key);
      removed += 1;
    }
    return removed;
  }
}
