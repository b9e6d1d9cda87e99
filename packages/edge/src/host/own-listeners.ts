// Every address this edge listens on: a Worker that connects to one of them would talk to the edge itself.
import type { OwnListener } from '@sallyport/egress';
import type { HttpFront } from '../front/http-front.ts';
import type { MetricsServer } from '../metrics/metrics-server.ts';
import type { TunnelService } from '../tunnels/tunnel-service.ts';
import type { WorkerService } from './worker-service.ts';

export function ownListeners(parts: {
  front: HttpFront | undefined;
  tunnels: TunnelService | undefined;
  metrics?: MetricsServer | undefined;
  workers: Iterable<WorkerService>;
}): OwnListener[] {
  const { front, tunnels, metrics, workers } = parts;
  return [
    ...(front?.addresses ?? []).map((address) => ({ address, port: front!.port })),
    ...(tunnels?.listeners ?? []),
    ...(metrics === undefined ? [] : [{ address: metrics.host, port: metrics.port }]),
    ...[...workers].flatMap(({ inspectorListeners }) => inspectorListeners),
  ];
}
