// The documented codes of a private service that cannot be reached [Workers VPC: troubleshooting], each with what it means
// here and what to do. docs/reference/proxy-errors.md is made from it.

export type ProxyErrorCode =
  | 'connection_refused'
  | 'connection_terminated'
  | 'connection_timeout'
  | 'connection_limit_reached'
  | 'destination_unavailable'
  | 'destination_not_found'
  | 'destination_ip_prohibited'
  | 'destination_ip_unroutable'
  | 'proxy_loop_detected'
  | 'dns_error'
  | 'dns_timeout'
  | 'tls_protocol_error'
  | 'tls_certificate_error'
  | 'http_request_error'
  | 'http_upgrade_failed'
  | 'http_request_denied'
  | 'http_protocol_error'
  | 'proxy_internal_error';

export interface ProxyErrorRow {
  meaning: string;
  remedy: string;
}

export const proxyErrors: Readonly<Record<ProxyErrorCode, ProxyErrorRow>> = {
  connection_refused: {
    meaning: 'Nothing listens on that port of the service.',
    remedy: 'Start the service, or correct its port with `sallyport vpc service update`.',
  },
  connection_terminated: {
    meaning: 'The service hung up before it answered.',
    remedy:
      "Look into the service's log, and at firewalls and proxies in front of it; http to an https port may end so, too.",
  },
  connection_timeout: {
    meaning: 'The service did not accept the connection in time.',
    remedy: 'Check that it runs and that no firewall drops the packets between it and the connector.',
  },
  connection_limit_reached: {
    meaning: 'A machine on the way ran out of file descriptors or local ports.',
    remedy: 'Raise the limit of the edge or the connector, or close connections.',
  },
  destination_unavailable: {
    meaning: 'There is no way to the service now: most often, its tunnel has no connector.',
    remedy: 'Start a connector with `sallyport tunnel run`, and look into its log.',
  },
  destination_not_found: {
    meaning: 'The binding names a service or network that does not exist (any more), or a host that cannot be read.',
    remedy: 'See `sallyport vpc service list` and correct the service_id of the binding.',
  },
  destination_ip_prohibited: {
    meaning:
      'Policy refuses the address: of the edge (metadata, link-local and multicast addresses, port 25), of the Worker for a network, or of the connector.',
    remedy:
      "Correct the service's host, or let its connector reach it (private-network.allow in its config.yml). For a network: add a route, or let the Worker's policy allow it.",
  },
  destination_ip_unroutable: {
    meaning: 'The machine that dials has no route to the address.',
    remedy:
      'Check the address, and the network and routes of the connector, or of the edge for a service without tunnel.',
  },
  proxy_loop_detected: {
    meaning: 'The address is one of the own listeners of the edge or the connector.',
    remedy: 'Give the service the host and port of what it is, not of Sallyport.',
  },
  dns_error: {
    meaning: 'The name does not exist, or its servers failed.',
    remedy: 'Check the hostname, and that the connector can resolve it; --resolver-ips names other servers.',
  },
  dns_timeout: {
    meaning: 'No DNS server answered in time.',
    remedy: 'Check the DNS servers of the connector, or those that --resolver-ips names.',
  },
  tls_protocol_error: {
    meaning: 'The TLS handshake failed, for another reason than the certificate.',
    remedy: 'Check that the https port speaks TLS, and its versions: https to an http port gives this.',
  },
  tls_certificate_error: {
    meaning:
      "The service's certificate is not acceptable: expired, from an unknown authority, or for another name than the URL's host. Or the service wants a client certificate and got none that it accepts.",
    remedy:
      'Name its authority with --ca-certificate-id, use the host name of its certificate in the URL, or loosen --cert-verification-mode; for a client certificate, --mtls-certificate-id.',
  },
  http_request_error: {
    meaning: 'The request could not be sent, or its answer never came.',
    remedy: "Look into the service's log; the log of the edge has the cause.",
  },
  http_upgrade_failed: {
    meaning: 'The service broke off while a WebSocket was being opened.',
    remedy: 'Check that the path speaks WebSocket, and proxies in front of it.',
  },
  http_request_denied: {
    meaning: 'The service is not for this: a scheme without a port, or HTTP and a service of type tcp.',
    remedy: 'Use the scheme that the service has a port for; a service of type tcp takes connect() instead of fetch().',
  },
  http_protocol_error: {
    meaning: 'The service answered something that is not HTTP/1.1.',
    remedy: 'Check that the port speaks HTTP, and the scheme: http to an https port gives this too.',
  },
  proxy_internal_error: {
    meaning: 'The edge itself failed.',
    remedy: 'The log of the edge has the cause.',
  },
};
