/**
 * What an edge remembers: documents with revisions, watches that resume, presence, and secrets encrypted at rest.
 *
 * @module
 */
export { absent } from './store.ts';
export type { ControlDocument, ControlEvent, ControlStore, DocumentKey, Json, WatchOptions } from './store.ts';
export { maxDocumentSize, maxKeyLength } from './document.ts';
export { ControlError } from './errors.ts';
export type { ControlErrorCode } from './errors.ts';
export { systemClock } from './clock.ts';
export type { Clock } from './clock.ts';
export { startSqliteStore } from './sqlite/sqlite-store.ts';
export type { SqliteStoreOptions } from './sqlite/sqlite-store.ts';
export { startKeyRing } from './key-ring.ts';
export type { KeyRing, Sealed } from './key-ring.ts';
export { PresenceReader, startLease } from './presence.ts';
export type { Lease, LeaseOptions, PresentHolder } from './presence.ts';
