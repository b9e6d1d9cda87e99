// What all sessions of a pooler share.
import type { CancelKeys } from './cancel-keys.ts';
import type { ClientCredentials } from './client-login.ts';
import type { ClientSession } from './client-session.ts';
import type { Clock } from '../clock.ts';
import type { OriginPool } from '../origin/origin-pool.ts';
import type { PinCause } from './session-state.ts';
import type { StatementRegistry } from '../statements/statements.ts';

export interface SessionContext {
  pool: OriginPool;
  credentials: ClientCredentials;
  cancelKeys: CancelKeys;
  registry: StatementRegistry;
  clock: Clock;
  onPin(cause: PinCause): void;
  onClosed(session: ClientSession): void;
}
