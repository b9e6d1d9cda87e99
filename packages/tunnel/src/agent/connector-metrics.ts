// What the connector measures. Names follow cloudflared's, with our prefix, so that dashboards need one replacement.
import { type Counter, type Gauge, type Histogram, Metrics } from './metrics.ts';

export interface ConnectorMetrics {
  registry: Metrics;
  totalRequests: Counter;
  requestErrors: Counter;
  responseByCode: Counter;
  concurrentRequests: Gauge;
  registerSuccess: Counter;
  linkErrors: Counter;
  tcpActive: Gauge;
  tcpTotal: Counter;
  connectErrors: Counter;
  connectLatency: Histogram;
  configVersion: Gauge;
  configErrors: Counter;
}

const latencyBuckets = [1, 10, 25, 50, 100, 500, 1000, 5000, 10_000];

export function createConnectorMetrics({ live, version }: { live: () => number; version: string }): ConnectorMetrics {
  const registry = new Metrics();
  registry.gauge('sallyport_build_info', 'Always 1; its labels say what runs').set(1, {
    version,
    node: process.versions.node,
  });
  registry.read('sallyport_tunnel_ha_connections', 'Links that are registered', live);
  registry.read('process_resident_memory_bytes', 'Resident memory size in bytes', () => process.memoryUsage.rss());
  registry.read('process_uptime_seconds', 'Seconds since the process started', () => process.uptime());
  return {
    registry,
    totalRequests: registry.counter('sallyport_tunnel_total_requests', 'Requests for public hostnames'),
    requestErrors: registry.counter(
      'sallyport_tunnel_request_errors',
      'Requests answered 502 by the connector, by code',
    ),
    responseByCode: registry.counter('sallyport_tunnel_response_by_code', 'Responses by HTTP status'),
    concurrentRequests: registry.gauge('sallyport_tunnel_concurrent_requests_per_tunnel', 'Requests being served'),
    registerSuccess: registry.counter('sallyport_tunnel_tunnel_register_success', 'Links registered so far'),
    linkErrors: registry.counter('sallyport_tunnel_link_errors', 'Links lost or not made, by code'),
    tcpActive: registry.gauge('sallyport_tcp_active_sessions', 'Connections to private destinations that are open'),
    tcpTotal: registry.counter('sallyport_tcp_total_sessions', 'Connections to private destinations so far'),
    connectErrors: registry.counter(
      'sallyport_proxy_connect_streams_errors',
      'Private destinations not reached, by code',
    ),
    connectLatency: registry.histogram(
      'sallyport_proxy_connect_latency',
      'Milliseconds until a private destination was connected',
      latencyBuckets,
    ),
    configVersion: registry.gauge('sallyport_orchestration_config_version', 'Configurations applied since the start'),
    configErrors: registry.counter('sallyport_config_local_config_errors', 'Configuration files that were not applied'),
  };
}
