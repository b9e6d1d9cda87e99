// The routes of a tunnel, as the edge announces them to its connectors: what they may be asked to reach.
import type { Message } from './control-channel.ts';
import { maxEdgeMessage } from './protocol.ts';
import { TunnelError } from './tunnel-error.ts';

export interface AnnouncedRoutes {
  /** In canonical form, such as `10.0.0.0/8`. */
  readonly cidrs: readonly string[];
  /** Lower-case names, `*.name` for all below one. */
  readonly hostnames: readonly string[];
}

/** The control message with these routes, or why there is none: more than some 12,000 do not fit into it. */
export function toRoutesMessage({ cidrs, hostnames }: AnnouncedRoutes): Message | TunnelError {
  const message = { type: 'routes', cidrs, hostnames };
  const bytes = Buffer.byteLength(JSON.stringify(message));
  if (bytes <= maxEdgeMessage) return message;
  return new TunnelError('too_many_routes', `${bytes} bytes, at most ${maxEdgeMessage}`);
}

/** The routes in a control message; undefined when it holds none. */
export function parseAnnouncedRoutes({ cidrs, hostnames }: Message): AnnouncedRoutes | undefined {
  return isTexts(cidrs) && isTexts(hostnames) ? { cidrs, hostnames } : undefined;
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}
