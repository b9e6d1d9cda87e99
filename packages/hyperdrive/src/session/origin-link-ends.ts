// What a session hears of the link between its client and the origin.
import type { WireError } from '@sallyport/postgres-wire';
import type { SessionWrites } from '../cache/session-writes.ts';
import type { HyperdriveError } from '../errors.ts';

export interface OriginLinkEnds {
  /** Watches what goes to the origin. */
  readonly writes?: SessionWrites | undefined;
  /** It is found out what was left behind in the connection: the client waits, for it or to be without it. */
  lent(): void;
  /** It has the connection again. */
  kept(): void;
  /** The connection went back to the pool. */
  unlinked(): void;
  /** Everything was carried out, and the client has said goodbye. */
  close(): void;
  /** It cannot go on, and its client is told why. */
  end(error: HyperdriveError | WireError): void;
}
