/**
 * What an edge remembers: tunnels, virtual networks, routes, services, Hyperdrive configurations and certificates, over a store of documents with revisions, watches that
 * resume, presence, and secrets encrypted at rest.
 *
 * @module
 */
export { absent, presencePrefix } from './store.ts';
export type { ControlDocument, ControlEvent, ControlStore, DocumentKey, Json, WatchOptions } from './store.ts';
export { maxDocumentSize, maxKeyLength } from './document.ts';
export { ControlError } from './errors.ts';
export type { ControlErrorCode } from './errors.ts';
export { systemClock } from './clock.ts';
export type { Clock } from './clock.ts';
export { startSqliteStore } from './sqlite/sqlite-store.ts';
export type { SqliteStoreOptions } from './sqlite/sqlite-store.ts';
export { ownerProblem, privacyProblem } from './private-file.ts';
export type { Ownership } from './private-file.ts';
export { startKeyRing } from './key-ring.ts';
export type { KeyRing, Sealed } from './key-ring.ts';
export { PresenceReader, startLease } from './presence.ts';
export type { Lease, LeaseOptions, PresentHolder } from './presence.ts';
export { startControl } from './domain/control.ts';
export type { Control, ControlOptions } from './domain/control.ts';
export type { ControlChange } from './domain/changes.ts';
export type { RouteMatch, RouteTable } from './domain/route-table.ts';
export { maxDeletedTunnels, Tunnels } from './domain/tunnels.ts';
export type { Tunnel, TunnelFilter } from './domain/tunnels.ts';
export { Networks } from './domain/networks.ts';
export type { NetworkPatch, VirtualNetwork } from './domain/networks.ts';
export type {
  NewHostnameRoute,
  NewIpRoute,
  NewPublicHostname,
  PublicHostnames,
  Routes,
  RouteSet,
} from './domain/routes.ts';
export { Hyperdrive } from './domain/hyperdrive.ts';
export type { CheckConfig } from './domain/hyperdrive.ts';
export {
  maxCacheSeconds,
  maxConnectionLimit,
  maxDatabaseNameBytes,
  maxPasswordBytes,
  sslModes,
} from './domain/hyperdrive-config.ts';
export type {
  HyperdriveCaching,
  HyperdriveConfig,
  HyperdriveMtls,
  HyperdriveOrigin,
  HyperdriveSettings,
  ResolvedHyperdriveConfig,
  SslMode,
} from './domain/hyperdrive-config.ts';
export { Services } from './domain/services.ts';
export {
  addressesOf,
  appProtocols,
  maxServices,
  serviceTypes,
  tunnelOf,
  verificationModes,
} from './domain/service-settings.ts';
export type {
  ResolvedService,
  Service,
  ServiceHost,
  ServiceSettings,
  ServiceTls,
  ServiceType,
  VerificationMode,
} from './domain/service-settings.ts';
export { Certificates } from './domain/certificates.ts';
export type { Certificate, NewCertificate } from './domain/certificates.ts';
export { checkPrivateKey, maxPemLength, parseCertificates } from './domain/pem.ts';
export type { CertificateFacts } from './domain/pem.ts';
export { resolveTls } from './domain/tls-material.ts';
export type { CertificateIds, TlsMaterial } from './domain/tls-material.ts';
export { firstNetworkId } from './domain/records.ts';
export type { HostnameRoute, IpRoute, PublicHostname } from './domain/records.ts';
export { maxConnections, maxHeaderSize, maxRequests, startControlApi } from './api/control-api.ts';
export type { ApiRoute } from './api/router.ts';
export { ApiError, succeeded } from './api/envelope.ts';
export type { ApiErrorCode } from './api/envelope.ts';
export { maxExplainedLength, maxPurged } from './api/hyperdrive-handlers.ts';
export type { HyperdriveHooks, PurgeRequest } from './api/hyperdrive-handlers.ts';
export type { ControlApi, ControlApiOptions } from './api/control-api.ts';
export type { ConnectorConnection, LinkDirectory } from './api/links.ts';
export { maxBodySize } from './api/read-body.ts';
