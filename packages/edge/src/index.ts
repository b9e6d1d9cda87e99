/**
 * The edge: one process that runs Workers and holds their only way out.
 *
 * @module
 */
export type { GatewayEvent, OnGatewayEvent } from './gateway/events.ts';
export { type Gateway, type GatewayOptions, startGateway } from './gateway/gateway.ts';
export { type DevServer, type DevServerOptions, startDevServer } from './dev-server.ts';
export type { RequestEvent } from './front/http-front.ts';
export type { Explain, ExplainedLink, Explanation } from './tunnels/explain.ts';
export { RemoteTunnels } from './tunnels/remote-tunnels.ts';
export { Edge, type EdgeOptions, type WorkerEvents, defaultGrace } from './edge.ts';
export { defaultStateDirectory, type EdgeConfig, loadEdgeConfig } from './config/edge-config.ts';
export { EdgeError, type EdgeErrorCode } from './errors.ts';
export { type OnTunnelEvent, type TunnelEvent, TunnelService } from './tunnels/tunnel-service.ts';
export type { OnTlsEvent, TlsEvent } from './tls/tls-event.ts';
export { ConfigurationError } from './host/configuration-error.ts';
export type { HostEvent, OnHostEvent } from './host/host-event.ts';
