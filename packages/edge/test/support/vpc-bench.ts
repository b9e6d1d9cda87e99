// A Worker with a binding API to a service, behind a tunnel whose connector runs beside it.
import type { TestContext } from 'node:test';
import type { ServiceSettings } from '@sallyport/control';
import type { BenchOptions } from './dev-bench.ts';
import { config } from './dev-bench.ts';
import { type Joined, startTunnelBench, type TunnelBench } from './tunnel-bench.ts';

export interface VpcBench extends TunnelBench {
  serviceId: string;
  tunnelId: string;
  agent: Joined['agent'];
}

/** `settings` are those of the service, whose host is `api.internal` unless they say otherwise; the connector leads it to 127.0.0.1. */
export async function startVpcBench(
  t: TestContext,
  source: string,
  settings: Partial<ServiceSettings>,
  options: BenchOptions & { compatibility_flags?: string[]; errors?: string } = {},
): Promise<VpcBench> {
  const { compatibility_flags: flags = [], errors, ...more } = options;
  const bench = await startTunnelBench(t, { 'src/index.js': 'export default {};' }, more);
  const port = settings.http_port ?? settings.https_port ?? settings.tcp_port;
  const { tunnelId, agent } = await bench.join(
    'office',
    `ingress:
  - hostname: api.internal
    service: tcp://127.0.0.1:${port}
  - service: http_status:404`,
  );
  const service = await bench.tunnels.control.services.create({
    name: 'api',
    type: 'http',
    host: { hostname: 'api.internal', resolver_network: { tunnel_id: tunnelId } },
    ...settings,
  });
  const serviceId = service.service_id;
  const bindings = { vpc_services: [{ binding: 'API', service_id: serviceId, errors }], compatibility_flags: flags };
  await bench.write({ 'wrangler.json': config(bindings), 'src/index.js': source });
  await bench.event('ready', ({ reload }) => reload);
  return Object.assign(bench, { serviceId, tunnelId, agent });
}
