// What all sessions of a pooler share.
import type { OriginKnowledge } from '../cache/origin-knowledge.ts';
import type { SessionWrites } from '../cache/session-writes.ts';
import type { CancelKeys } from './cancel-keys.ts';
import type { ClientSession } from './client-session.ts';
import type { Clock } from '../clock.ts';
import type { Answerer } from './exchange.ts';
import type { Lanes } from '../lanes/lanes.ts';
import type { PoolerMetrics } from '../metrics.ts';
import type { OriginPool } from '../origin/origin-pool.ts';
import type { Watch } from './timeouts.ts';
import type { StatementRegistry } from '../statements/statements.ts';

export interface SessionContext {
  pool: OriginPool;
  cancelKeys: CancelKeys;
  registry: StatementRegistry;
  clock: Clock;
  metrics: PoolerMetrics;
  watch: Watch;
  /** Looks at exchanges before they take a connection. */
  answerer?: Answerer | undefined;
  /** Carries reads of several clients over one connection. */
  lanes?: Lanes | undefined;
  /** What is known of the origin's functions; undefined when they are trusted to leave nothing behind. */
  readonly knowledge?: OriginKnowledge | undefined;
  /** Watches what a client writes. */
  watchWrites?: ((client: ClientSession) => SessionWrites) | undefined;
  onClosed(session: ClientSession): void;
}
