/**
 * Pooled PostgreSQL: many clients, few connections to the origin, one transaction at a time.
 *
 * ```ts
 * const pooler = await startPooler({
 *   origin: { user, password, database, dial: ({ signal }) => dialTcp({ host, port, signal }) },
 *   client: { user: 'worker', password: 'its own', database: 'sales' },
 *   listen: { host: '127.0.0.1', port: 0 },
 * });
 * ```
 *
 * DESIGN.md says who owns a connection when, what stays with its client and what is refused.
 */
export { startPooler } from './pooler.ts';
export type { Pooler, PoolerOptions, PoolerStatus } from './pooler.ts';
export { startFleet } from './fleet.ts';
export type { CacheUse, Fleet, FleetConfig, FleetOptions, FleetStatus } from './fleet.ts';
export { CacheHub } from './cache/cache-hub.ts';
export { PoolerCache } from './cache/pooler-cache.ts';
export type { CacheStatus, Caching } from './cache/query-cache.ts';
export type { Explanation } from './cache/explanation.ts';
export { cachingDefaults, defaultCacheBytes, longestMaxAge } from './cache/limits.ts';
export { createClientCredentials } from './session/client-login.ts';
export type { ClientCredentials } from './session/client-login.ts';
export type { ClientState } from './session/client-session.ts';
export type { Answerer, Exchange, ExchangeClient, Recorder } from './session/exchange.ts';
export { bucketBounds, Histogram, PoolerMetrics } from './metrics.ts';
export type { Counts } from './metrics.ts';
export type { Origin, TlsUpgrade } from './origin/origin.ts';
export { createOriginTls } from './origin/origin-tls.ts';
export type { OriginTlsOptions } from './origin/origin-tls.ts';
export { probeOrigin, toOriginProblem } from './probe.ts';
export type { OriginProblem, ProbeOptions, ProbeResult } from './probe.ts';
export type { PoolOptions, PoolStatus } from './origin/origin-pool.ts';
export type { PinCause } from './session/session-state.ts';
export { HyperdriveError, hyperdriveErrorCodes } from './errors.ts';
export type { HyperdriveErrorCode, HyperdriveErrorOptions } from './errors.ts';
export type { Clock } from './clock.ts';
export { poolDefaults } from './limits.ts';
