// What a pool is told, whom it serves, and what it tells of itself.
import type { Clock } from '../clock.ts';
import type { poolDefaults } from '../limits.ts';
import type { HyperdriveError } from '../errors.ts';
import type { PoolerMetrics } from '../metrics.ts';
import type { OriginConnection } from './origin-connection.ts';

export type PoolLimits = { readonly [Name in keyof typeof poolDefaults]: number } & {
  /** Functions of the database are taken to leave nothing behind in a session, and are not looked into. */
  readonly trustFunctions?: boolean;
};

export type PoolOptions = Partial<PoolLimits> & {
  clock?: Clock;
  metrics?: PoolerMetrics;
};

export interface PoolStatus {
  maxConnections: number;
  /** Those that are ready, idle ones among them. */
  connections: number;
  connecting: number;
  idle: number;
  waiting: number;
  /** Milliseconds that the one who has waited longest has waited. */
  longestWait: number;
}

/** Somebody who waits for a connection. */
export interface Waiter {
  /** Settings the connection should have, as SQL that sets them; empty for none. */
  readonly settings: string;
  granted(connection: OriginConnection): void;
  refused(error: HyperdriveError): void;
}
