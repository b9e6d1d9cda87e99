// Bounds and defaults of the cache.

/** The documented defaults of a config, in seconds [Hyperdrive query caching]. */
export const cachingDefaults = { maxAge: 60, staleWhileRevalidate: 15 } as const;
/** The longest `max_age`, in seconds [Hyperdrive]. */
export const longestMaxAge = 3_600;
/** All caches of a process together, in bytes. */
export const defaultCacheBytes = 67_108_864;
/** A longer answer is passed on and not stored [Hyperdrive: 50 MB]. */
export const maxResult = 50_000_000;
/** How long the rest of an answer may take to come that is to be stored, in milliseconds: its client may be slow. */
export const maxRecordingTime = 10_000;
/** How long it is remembered that an answer was too long, in milliseconds, */
export const oversizedMemory = 60_000;
/** and of how many requests. */
export const maxOversized = 1_024;
/** Characters of a key: longer requests are `oversizedquery`. */
export const maxKey = 16_384;
/** What an entry costs beside its bytes: keys, objects, lists. */
export const entryOverhead = 512;

/** What a query of our own may bring, in bytes. */
export const maxOwnResult = 67_108_864;
/** Sets of settings that are known at a time. */
export const maxEnvironments = 256;
/** The origin's catalogue is read again when it is older, in milliseconds: DDL may go around the pooler. */
export const catalogueMaxAge = 300_000;
/** How often it is looked whether it is another one, in milliseconds, while there are queries. */
export const catalogueCheck = 10_000;
/** Between two attempts to read it, when one failed or a name was not in it. */
export const catalogueRetry = 5_000;
/** How long a session reads what it wrote from the origin. */
export const ownWriteWindow = 5_000;
/** How long nothing is stored of a table whose last write has an unknown outcome: it may be committed yet. */
export const doubtWindow = 10_000;
/** Tables that one transaction is remembered to write; more are all tables. */
export const maxWrittenTables = 256;
