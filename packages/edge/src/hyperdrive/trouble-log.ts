// Why a pool had no connection for a client, as a line of the edge's log. A busy pool refuses many at once, so each reason
// is told of each pool only now and then.
import { EgressError } from '@sallyport/egress';
import type { FleetOptions } from '@sallyport/hyperdrive';
import type { OnGatewayEvent } from '../gateway/events.ts';

/** Milliseconds in which a pool's trouble is told once. */
const quiet = 10_000;
/** Reasons that are remembered; beyond, they are told again. */
const maxRemembered = 10_000;

export interface TroubleLogOptions {
  onEvent?: OnGatewayEvent | undefined;
  now?: () => number;
}

export function createTroubleLog({
  onEvent = () => {},
  now = () => performance.now(),
}: TroubleLogOptions): NonNullable<FleetOptions['onTrouble']> {
  const told = new Map<string, number>();
  return ({ id, name, server = '' }, error) => {
    // Egress has its line already.
    if (error.cause instanceof EgressError) return;
    const key = `${id} ${error.code}`;
    const at = now();
    if (at - (told.get(key) ?? -Infinity) < quiet) return;
    if (told.size >= maxRemembered) told.clear();
    told.set(key, at);
    const { code, message, remedy } = error;
    const detail = `${name}: ${message}`;
    onEvent({
      kind: 'database',
      destination: server,
      decision: undefined,
      code,
      message,
      detail,
      remedy,
      took: 0,
      secure: false,
    });
  };
}
