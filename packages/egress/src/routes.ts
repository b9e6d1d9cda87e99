// Which way a connection goes once it is allowed. Today there is one way, straight from this machine; tunnels will add
// theirs here. A tunnel's host names are resolved at its connector, so that step will come before this machine's DNS.
import type { Destination } from './destination.ts';

/** From this machine, to the pinned address. */
export interface DirectRoute {
  readonly kind: 'direct';
}

export type Route = DirectRoute;

export interface Routes {
  /** The way to a destination that policy allowed, given its permitted addresses in dial order. */
  pick(destination: Destination, addresses: readonly string[]): Route;
}

const direct: DirectRoute = { kind: 'direct' };

export const directRoutes: Routes = { pick: () => direct };
