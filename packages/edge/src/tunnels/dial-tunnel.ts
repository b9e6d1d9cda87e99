// From egress into a tunnel: opens a connection on one of its links, and says in egress's words why there is none.
import { type DialTunnel, EgressError, type EgressErrorCode, egressErrorCodes, toFailure } from '@sallyport/egress';
import { TunnelError, type TunnelRegistry } from '@sallyport/tunnel';
import { toSocketLike } from './socket-like.ts';

/** What egress has no code for: the link says something about itself, so there is no connector to ask; or a rule refuses. */
const linkCodes: Readonly<Record<string, EgressErrorCode>> = {
  rule_port: 'destination_denied',
  no_link: 'tunnel_unavailable',
  link_lost: 'tunnel_unavailable',
  link_draining: 'tunnel_unavailable',
  link_busy: 'tunnel_unavailable',
};

export function createTunnelDial(registry: TunnelRegistry): DialTunnel {
  return async (route, { host, port }, { signal }) => {
    try {
      const { stream, link } = await registry.open(
        route.tunnelId,
        { hostname: host, port, resolvers: route.resolvers },
        { signal },
      );
      const remoteAddress = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
      return { stream: toSocketLike(stream), remoteAddress, localAddress: link.connectorId };
    } catch (error) {
      throw error instanceof TunnelError ? toEgressError(error, { port, tunnel: route.tunnelName }) : error;
    }
  };
}

export function toEgressError(error: TunnelError, { port, tunnel }: { port: number; tunnel: string }): EgressError {
  const code = linkCodes[error.code] ?? egressErrorCodes.find((known) => known === error.code) ?? 'connection_failed';
  const detail = `through tunnel ${tunnel}: ${error.message}`;
  return new EgressError({ ...toFailure(code, { port, detail }), remedy: error.remedy }, { cause: error });
}
