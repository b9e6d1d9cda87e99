// What the control API answers with, as far as the commands look at it. Times are ISO 8601.

export interface ConnectionInfo {
  id: string;
  colo_name: string;
  client_id: string;
  client_version: string;
  is_pending_reconnect: boolean;
  origin_ip: string;
  opened_at: string;
}

export interface TunnelInfo {
  id: string;
  name: string;
  created_at: string;
  deleted_at: string | null;
  connections: ConnectionInfo[];
}

export interface ConnectorInfo {
  id: string;
  features: string[];
  version: string;
  arch: string;
  run_at: string;
  conns: ConnectionInfo[];
}

export interface IpRouteInfo {
  id: string;
  network: string;
  tunnel_id: string;
  tunnel_name: string;
  virtual_network_id: string;
  comment: string;
  created_at: string;
  deleted_at: string | null;
}

export interface HostnameRouteInfo extends Omit<IpRouteInfo, 'network'> {
  hostname: string;
}

export type PublicHostnameInfo = Omit<HostnameRouteInfo, 'virtual_network_id'>;

export interface NetworkInfo {
  id: string;
  name: string;
  comment: string;
  is_default_network: boolean;
  created_at: string;
  deleted_at: string | null;
}

export interface HyperdriveInfo {
  id: string;
  name: string;
  origin: { scheme: string; host?: string; port?: number; service_id?: string; database: string; user: string };
  caching: { disabled: boolean; max_age?: number; stale_while_revalidate?: number };
  mtls: { ca_certificate_id?: string; mtls_certificate_id?: string; sslmode: string; channel_binding?: string };
  origin_connection_limit?: number;
  created_on: string;
  modified_on: string;
}

export interface ServiceInfo {
  service_id: string;
  type: 'http' | 'tcp';
  name: string;
  http_port?: number;
  https_port?: number;
  tcp_port?: number;
  app_protocol?: string;
  host: {
    ipv4?: string;
    ipv6?: string;
    hostname?: string;
    network?: { tunnel_id: string };
    resolver_network?: { tunnel_id: string; resolver_ips?: string[] };
  };
  tls_settings?: { cert_verification_mode: string; ca_certificate_id?: string; mtls_certificate_id?: string };
  created_at: string;
  updated_at: string;
}

export interface CertificateInfo {
  id: string;
  name: string;
  ca: boolean;
  certificates: string;
  issuer: string;
  serial_number: string;
  signature: string;
  uploaded_on: string;
  expires_on: string;
}

/** Milliseconds; null when nothing was measured. */
export interface TimingInfo {
  count: number;
  mean: number | null;
  p50: number | null;
  p99: number | null;
}

/** A pool that runs; counters since it started. */
export interface PoolStatusInfo {
  id: string;
  name: string;
  pool: { max_connections: number; connections: number; idle: number; connecting: number };
  waiting_clients: number;
  longest_wait_ms: number;
  clients: number;
  queries: Record<string, number>;
  pins: Record<string, number>;
  errors: Record<string, number>;
  acquire_ms: TimingInfo;
  query_ms: TimingInfo;
}

export interface QueryExplanationInfo {
  cacheStatus: string;
  cacheable: boolean;
  why: string;
  tables?: string[];
  /** In seconds. */
  kept?: { maxAge: number; staleWhileRevalidate: number; tags: string[] };
  key?: { text: string; settings: string; searchPath: string[] };
  /** Times in seconds. */
  entry?: { age: number; expiresIn: number; hits: number; bytes: number; isStale: boolean };
}
