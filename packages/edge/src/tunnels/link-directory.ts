// The links there are, as the control API shows them.
import type { ConnectorConnection, LinkDirectory } from '@sallyport/control';
import type { TunnelRegistry } from '@sallyport/tunnel';

export function createLinkDirectory(registry: TunnelRegistry): LinkDirectory {
  return {
    connections: (tunnelId): ConnectorConnection[] =>
      registry.links(tunnelId).map((link) => ({
        id: link.id,
        connectorId: link.connectorId,
        client: link.client,
        remoteAddress: link.remoteAddress,
        openedAt: link.openedAt,
      })),
    disconnect(tunnelId, connectorId) {
      for (const link of registry.links(tunnelId)) {
        if (connectorId === undefined || link.connectorId === connectorId) link.destroy();
      }
    },
  };
}
