// Every bound of this package that is no option, and the defaults of those that are. README.md has them as a table.

/** A Query or Parse is held whole up to here, in bytes: longer ones are streamed and pin the connection. */
export const maxWholeQuery = 1_048_576;
/** Statements of one client that are kept while it holds a connection, to tell what they leave behind, */
export const maxLoggedTexts = 64;
/** and their bytes; what was sent before is judged at once. */
export const maxLoggedBytes = 131_072;
/** The same while nobody knows the origin's functions: what was sent before counts as leaving something. */
export const maxUnknownTexts = 1_024;
export const maxUnknownBytes = 2_097_152;
/** How long nothing may come of a message that has begun and holds a connection, in milliseconds. */
export const messageTimeout = 60_000;
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

/** A read may be shared when it is no longer than this, in bytes. */
export const maxSharedRequest = 8_192;
/** And its text than this, so that telling what it is costs little. */
export const maxShapeText = 2_048;
/** An answer past this many bytes stops others from sharing its connection, and its query is not shared again. */
export const maxSharedAnswer = 65_536;
/** A message that belongs to no answer is held whole up to here, in bytes. */
export const maxHeldReply = 65_536;
/** Kinds of queries whose times are remembered. */
export const maxQueryShapes = 2_000;
/** A query is shared once it ran so often, */
export const minRunsToShare = 5;
/** and takes less than this, in milliseconds. */
export const sharedQueryTime = 5;
/** Reads on their way over one shared connection, */
export const maxLaneDepth = 128;
/** and milliseconds that they may take together. */
export const maxLaneLoad = 20;
/** Behind so many a further lane is opened. */
export const newLaneDepth = 8;
/** How often lanes are looked at, in milliseconds. */
export const laneTick = 25;
/** A lane without work gives its connection back after so many looks. */
export const laneIdleTicks = 4;
/** A read that takes this long holds others up: they are served elsewhere. In milliseconds. */
export const laneStallTime = 50;

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
  /** Connections over which short reads of several clients may go one behind the other; 0 for none. */
  maxLanes: 4,
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
