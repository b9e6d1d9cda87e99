// `connect()` for Node, with the parts a host may replace: dialling, TLS trust, limits, time.
import type { Clock } from '../clock.ts';
import { systemClock } from '../clock.ts';
import { type Connect, connectThrough } from '../create-connect.ts';
import type { SlotLimits } from '../slots.ts';
import { type Dial, dialDirect } from './dial.ts';
import type { FindTrust } from './tls.ts';
import { NodeTransport } from './transport.ts';

export interface ConnectHost {
  /** How to reach an address. Default: plain TCP with the system's resolver. */
  dial?: Dial;
  /** Authorities and client certificate per destination. Default: the system's authorities, no certificate. */
  tls?: FindTrust;
  /** Milliseconds `close()` waits for queued writes before it resets the connection. Default 5 000. */
  lingerTimeout?: number;
  /**
   * How many sockets may be open at once, and how long one waits for a slot; shared by all sockets opened outside
   * `withInvocation()`. Default: no limit.
   */
  limits?: Partial<SlotLimits>;
  clock?: Clock;
}

/** A `connect()` whose dialling and TLS trust are the host's. */
export function createConnect(host: ConnectHost = {}): Connect {
  const { dial = dialDirect, tls: findTrust = () => undefined, clock = systemClock } = host;
  return connectThrough({
    createTransport: (address, options) => new NodeTransport({ address, options, dial, findTrust, clock }),
    clock,
    ...(host.lingerTimeout === undefined ? {} : { lingerTimeout: host.lingerTimeout }),
    ...(host.limits === undefined ? {} : { limits: host.limits }),
  });
}
