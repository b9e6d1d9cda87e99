/**
 * Talking to an edge's control API: where it is, and what may be asked. Needs no database.
 *
 * @module
 */
export { ClientError } from './client-error.ts';
export type { ClientErrorCode } from './client-error.ts';
export { AddressTree } from '../domain/address-tree.ts';
export { NameTree } from '../domain/name-tree.ts';
export { parseCidr } from '../domain/values.ts';
export { ControlClient } from './control-client.ts';
export type { Query } from './control-client.ts';
export { controlFile, devState, findEdge, findNamedEdge } from './find-edge.ts';
export type { EdgeAccess, FindEdgeOptions } from './find-edge.ts';
export type {
  CertificateInfo,
  ConnectionInfo,
  ConnectorInfo,
  HostnameRouteInfo,
  HyperdriveInfo,
  IpRouteInfo,
  NetworkInfo,
  PoolStatusInfo,
  PublicHostnameInfo,
  QueryExplanationInfo,
  ServiceInfo,
  TimingInfo,
  TunnelInfo,
} from './shapes.ts';
