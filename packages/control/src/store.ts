// The control store: small documents with revisions. What an edge must remember and what other edges must hear about.
//
// Revisions count the whole store, not one document: they order every change, so a watch can resume after the last one
// it saw. A driver may run in several processes at once: nothing here assumes that one of them sees every write.

/** Letters, digits and `._-` in parts separated by `/`, as in `tunnels/6ff42ae2`. */
export type DocumentKey = string;

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export interface ControlDocument {
  key: DocumentKey;
  value: Json;
  /** Of the write that made it; larger than that of every earlier write. */
  revision: number;
}

export type ControlEvent =
  | { type: 'put'; key: DocumentKey; value: Json; revision: number }
  | { type: 'delete'; key: DocumentKey; revision: number };

export interface WatchOptions {
  /** Only keys that start so; every key when left out. */
  prefix?: string;
  /** Events after this revision; 0 begins with the first that is still kept. */
  after: number;
  signal?: AbortSignal;
}

/** `revision` of a document that must not exist yet. */
export const absent = 0;

/**
 * Documents below it are rewritten all the time, so a store need not keep more of their history than the last change of
 * each, and they push nothing else out of it.
 */
export const presencePrefix = 'presence/';

/** Every method may reject with a `ControlError`. */
export interface ControlStore {
  get: (key: DocumentKey) => Promise<ControlDocument | undefined>;
  /** In order of keys. */
  list: (prefix: string) => Promise<ControlDocument[]>;
  /** The newest revision of the store; 0 when nothing was ever written. */
  revision: () => Promise<number>;
  /** Writes if the document still has `revision` (`absent`: does not exist); else rejects with `revision_conflict`. */
  put: (key: DocumentKey, value: Json, options: { revision: number }) => Promise<ControlDocument>;
  /** Deletes under the same condition; answers with the revision of the deletion. */
  delete: (key: DocumentKey, options: { revision: number }) => Promise<number>;
  /**
   * Every change in order of revision, until the signal aborts or the store closes. Each is seen once; after a break,
   * `after: last.revision` continues without gap (below `presence/`, with the last change of each key). Rejects with `revision_compacted` when history no longer goes back
   * so far: list again and watch from the store's revision.
   */
  watch: (options: WatchOptions) => AsyncIterable<ControlEvent>;
  /** Idempotent. Watches end. */
  close: () => Promise<void>;
}
