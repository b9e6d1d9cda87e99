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
