// Every bound of this package that is no option, and the defaults of those that are. README.md has them as a table.

/** A Query or Parse is held whole up to here, in bytes: longer ones are streamed and pin the connection. */
export const maxWholeQuery = 1_048_576;
/** What an idle client sends is held up to here, in bytes, until it is a whole request. */
export const maxExchange = 65_536;
/** Named statements one client may have. */
export const maxClientStatements = 4_096;
/** Bytes of text and types of one client's named statements. */
export const maxClientStatementBytes = 16_777_216;
/** What an origin may send before it is ready, in bytes: a login is short. */
export const maxLoginBytes = 262_144;
/** Sets of settings whose reported values are remembered per pool. */
export const maxKnownSettings = 256;
/** How long a client that is told why it is ended may take to read that, in milliseconds. */
export const farewellTimeout = 5_000;

/** Times are in milliseconds. */
export const poolDefaults = {
  /** Origin connections, a hard cap [Hyperdrive `origin_connection_limit`]. */
  maxConnections: 20,
  /** Clients that may wait for one. */
  maxWaiting: 10_000,
  acquireTimeout: 15_000,
  /** [Hyperdrive: initial connect timeout] */
  connectTimeout: 15_000,
  /** [Hyperdrive: idle origin connection timeout] */
  idleTimeout: 600_000,
  /** [PgBouncer server_lifetime] */
  maxLifetime: 3_600_000,
  /** Idle for longer, a connection is tried before it is given out [PgBouncer server_check_delay]. */
  checkAfter: 30_000,
  /** What a check or a reset may take; past it the connection is closed. */
  checkTimeout: 5_000,
  /** Statements prepared on one origin connection [PgBouncer max_prepared_statements]. */
  maxPrepared: 200,
  /** From a statement's beginning to its answer; 0 for no limit [Hyperdrive: maximum query duration]. */
  queryTimeout: 60_000,
  /** How long a transaction may wait for its client; 0 for no limit [as PgBouncer and PostgreSQL have it]. */
  idleInTransactionTimeout: 0,
  /** What a CancelRequest may take, and after it what the origin may take to end the query. */
  cancelTimeout: 10_000,
} as const;

export const loginTimeout = 15_000;
