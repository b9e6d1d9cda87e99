/**
 * Private networks through outbound-only tunnels: the link, the connector, the edge half.
 *
 * @module
 */
export { Connector, defaultLinks, stablePeriod } from './connector/connector.ts';
export type { ConnectorOptions, LinkInfo } from './connector/connector.ts';
export type { EdgeAddress } from './connector/connector-link.ts';
export type { DialTarget, Services } from './connector/serve-stream.ts';
export type { AnnouncedRoutes } from './link/announced-routes.ts';
export { edgeServerName } from './link/protocol.ts';
export { createEgressDial } from './connector/egress-dial.ts';
export type { TunnelCredentials } from './credentials/credentials.ts';
export { maxCredentialsLength, maxEdges, maxSecret, minSecret, parseEdge } from './credentials/credentials.ts';
export { parseCredentialsFile, toCredentialsFile } from './credentials/credentials-file.ts';
export { decodeToken, encodeToken } from './credentials/token.ts';
export { TunnelListener } from './edge/tunnel-listener.ts';
export type { TunnelListenerOptions } from './edge/tunnel-listener.ts';
export { TunnelRegistry } from './edge/tunnel-registry.ts';
export type { OpenedStream } from './edge/tunnel-registry.ts';
export type { EdgeLink } from './edge/edge-link.ts';
export type { ClientInfo, EdgeLinkOptions, LinkIdentity, LinkTarget } from './edge/link-identity.ts';
export type { FindSecret } from './edge/register.ts';
export { TunnelError } from './link/tunnel-error.ts';
export type { TunnelErrorCode } from './link/tunnel-error.ts';
export { startAgent } from './agent/agent.ts';
export type { Agent, AgentOptions } from './agent/agent.ts';
export { createLog, logLevels } from './agent/log.ts';
export type { Log, LogFields, LogLevel, LogOptions } from './agent/log.ts';
export { describeMatch, describeValidation } from './ingress/command-texts.ts';
export type { CommandText } from './ingress/command-texts.ts';
export { originRequestDefaults, warpRoutingDefaults } from './ingress/config.ts';
export type {
  AccessRequirement,
  ConfigDiagnostic,
  IngressRule,
  IpRule,
  OriginRequest,
  PathPattern,
  PrivateNetwork,
  TunnelConfig,
  WarpRouting,
} from './ingress/config.ts';
export type { ConfigProblemCode } from './ingress/config-problems.table.ts';
export { parseDuration } from './ingress/duration.ts';
export { decodePath } from './ingress/go-url.ts';
export { matchIngress } from './ingress/match.ts';
export type { IngressTarget } from './ingress/match.ts';
export { parseTunnelConfig } from './ingress/parse-config.ts';
export type { ParseConfigOptions, ParsedConfig } from './ingress/parse-config.ts';
export type { IngressService } from './ingress/service.ts';
