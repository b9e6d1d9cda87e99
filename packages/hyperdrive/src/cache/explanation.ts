// Whether one query is cached, and why: for people, and for the control API.
import type { CacheStatus } from './query-cache.ts';

export interface Explanation {
  /** What the query would be counted as now. */
  cacheStatus: CacheStatus;
  cacheable: boolean;
  /** A sentence that names the function, table or word that decides. */
  why: string;
  /** The tables on whose writes the answer depends, as `schema.name`; views are with them. */
  tables: string[];
  /** How long the answer is kept, in seconds, and its tags, with what the query's comment says. */
  kept: { maxAge: number; staleWhileRevalidate: number; tags: string[] } | undefined;
  /** What makes a request the same. Parameters of the extended protocol come on top. */
  key: { text: string; settings: string; searchPath: string[] } | undefined;
  /** The entry that would answer, when there is one. Times in seconds. */
  entry: { age: number; expiresIn: number; hits: number; bytes: number; isStale: boolean } | undefined;
}
