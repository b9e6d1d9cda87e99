// The error registry of the package: one row per code, with remedy and whether trying again can help.
import { type ConfigProblemCode, configProblems } from '../ingress/config-problems.table.ts';

/** The stable codes of this package's errors. */
export type TunnelErrorCode =
  | ConfigProblemCode
  | 'invalid_config'
  | 'status_address'
  | 'unauthorized'
  | 'unsupported_version'
  | 'edge_unreachable'
  | 'edge_untrusted'
  | 'clock_disagrees'
  | 'protocol_error'
  | 'registration_timeout'
  | 'link_lost'
  | 'link_draining'
  | 'link_busy'
  | 'too_many_links'
  | 'too_many_routes'
  | 'no_link'
  | 'tunnel_revoked'
  | 'aborted'
  | 'invalid_credentials'
  | 'invalid_destination'
  | 'unsupported_kind'
  | 'destination_denied'
  | 'rule_port'
  | 'dns_error'
  | 'connection_refused'
  | 'connection_reset'
  | 'connection_timeout'
  | 'host_unreachable'
  | 'out_of_resources'
  | 'connection_failed'
  | 'origin_tls'
  | 'origin_protocol'
  | 'not_http'
  | 'access_unchecked';

interface Row {
  message: string;
  remedy: string;
  retryable: boolean;
}

const network = 'Look at the network between edge and connector; the connector dials again by itself.';

const registry: Readonly<Record<TunnelErrorCode, Row>> = {
  unauthorized: {
    message: 'The edge does not accept this tunnel id and secret',
    remedy: 'Get a fresh token with `sallyport tunnel token NAME` and start the connector with it.',
    retryable: false,
  },
  unsupported_version: {
    message: 'The two ends speak different versions of the tunnel protocol',
    remedy: 'Install the same Sallyport version on edge and connector.',
    retryable: false,
  },
  edge_unreachable: {
    message: 'The edge cannot be reached',
    remedy: 'Check the address and port of the edge, and that the firewall lets this machine dial it.',
    retryable: true,
  },
  clock_disagrees: {
    message: "The edge's certificate is not valid at the time this machine's clock shows",
    remedy: 'Set the clock of this machine and that of the edge; both should follow a time server.',
    retryable: false,
  },
  edge_untrusted: {
    message: 'The edge did not prove who it is',
    remedy: 'Check that the address is your edge, and that the token comes from that edge.',
    retryable: false,
  },
  protocol_error: {
    message: 'The other end does not speak the tunnel protocol',
    remedy: 'Check that the address is a Sallyport edge, and that nothing in between changes the traffic.',
    retryable: false,
  },
  registration_timeout: { message: 'The link was not registered in time', remedy: network, retryable: true },
  link_lost: { message: 'The link broke', remedy: network, retryable: true },
  link_draining: {
    message: 'The link is being shut down and takes no new connection',
    remedy: 'Try again; another link takes over.',
    retryable: true,
  },
  link_busy: {
    message: 'The link carries as many connections as it may',
    remedy: 'Start another replica of the connector.',
    retryable: true,
  },
  no_link: {
    message: 'No connector of this tunnel is connected',
    remedy: 'Start one with `sallyport tunnel run`, and look into its log.',
    retryable: true,
  },
  too_many_links: {
    message: 'This tunnel has as many links as it may',
    remedy: 'Stop replicas of the connector that are not needed, or give each fewer links.',
    retryable: false,
  },
  too_many_routes: {
    message: 'The routes of this tunnel do not fit into one announcement',
    remedy: 'Join neighbouring routes into larger ones, or spread them over several tunnels.',
    retryable: false,
  },
  tunnel_revoked: {
    message: 'The tunnel was deleted, or its secret was changed',
    remedy: 'Connectors need a fresh token: `sallyport tunnel token NAME`.',
    retryable: false,
  },
  aborted: { message: 'The caller gave up', remedy: 'Nothing needs to be done.', retryable: true },
  ...configProblems,
  invalid_config: {
    message: 'The configuration cannot be used',
    remedy: 'Correct the file; `sallyport tunnel ingress validate` says what is wrong and where.',
    retryable: false,
  },
  status_address: {
    message: 'Metrics cannot be served there',
    remedy: 'Choose another address with --metrics ADDRESS:PORT; port 0 takes any that is free.',
    retryable: false,
  },
  invalid_credentials: {
    message: 'The token or credentials file cannot be used',
    remedy: 'Get the whole token again with `sallyport tunnel token NAME`; with --cred-file FILE it writes the file.',
    retryable: false,
  },
  invalid_destination: {
    message: 'The connector cannot read the destination',
    remedy: 'Give a host name or an IP address and a port from 1 to 65535.',
    retryable: false,
  },
  unsupported_kind: {
    message: 'The connector does not serve this kind of stream',
    remedy: 'Install the same Sallyport version on edge and connector.',
    retryable: false,
  },
  destination_denied: {
    message: 'The connector does not allow this destination',
    remedy:
      'Add a route for it to the tunnel, or allow it in the configuration of the connector; loopback and link-local addresses need the latter.',
    retryable: false,
  },
  rule_port: {
    message: 'The ingress rule for this host leads to another port',
    remedy:
      'A tcp:// rule is for its one port: ask for that port, correct the port of the rule, or take the rule away and add a route, which is for all ports.',
    retryable: false,
  },
  dns_error: {
    message: 'The connector could not resolve the name',
    remedy: 'Check the spelling, and the DNS of the private network.',
    retryable: true,
  },
  connection_refused: {
    message: 'Nothing listens there in the private network',
    remedy: 'Start the server, or correct the port.',
    retryable: true,
  },
  connection_reset: {
    message: 'The connection was reset',
    remedy: 'Look into the log of the server at the far end.',
    retryable: true,
  },
  connection_timeout: {
    message: 'The server in the private network did not answer in time',
    remedy: 'Check that it runs and that no firewall drops the packets.',
    retryable: true,
  },
  host_unreachable: {
    message: 'The connector has no way to that address',
    remedy: 'Check the network and routes of the machine the connector runs on.',
    retryable: true,
  },
  out_of_resources: {
    message: 'The connector ran out of file descriptors or ports',
    remedy: 'Raise the limit on its machine, or start another replica.',
    retryable: true,
  },
  connection_failed: {
    message: 'The connector could not connect',
    remedy: 'The detail and the log of the connector name the reason.',
    retryable: true,
  },
  origin_tls: {
    message: 'The origin could not be trusted, or does not speak TLS',
    remedy: 'Set caPool or originServerName of the rule; noTLSVerify gives up the check.',
    retryable: false,
  },
  origin_protocol: {
    message: 'The origin does not speak HTTP',
    remedy: 'Check scheme and port of the service; for other protocols a Worker uses connect().',
    retryable: false,
  },
  not_http: {
    message: 'This hostname leads to a service that is not HTTP',
    remedy: 'A Worker reaches it with connect(); browsers cannot.',
    retryable: false,
  },
  access_unchecked: {
    message: 'The rule asks for an Access token, which this connector cannot check',
    remedy: 'Check the token in the origin, and take access.required off the rule.',
    retryable: false,
  },
};

/** Everything the link throws, rejects or destroys a stream with. */
export class TunnelError extends Error {
  override readonly name = 'TunnelError';
  readonly code: TunnelErrorCode;
  /** What happened, with which value. */
  readonly detail: string;
  readonly remedy: string;
  /** Whether the same call may succeed later with nothing changed. */
  readonly retryable: boolean;

  constructor(code: TunnelErrorCode, detail: string, options: { cause?: unknown } = {}) {
    super(`${registry[code].message}: ${detail}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.detail = detail;
    this.remedy = registry[code].remedy;
    this.retryable = registry[code].retryable;
  }
}

export function isTunnelErrorCode(code: unknown): code is TunnelErrorCode {
  return typeof code === 'string' && Object.hasOwn(registry, code);
}

export function remedyOf(code: TunnelErrorCode): string {
  return registry[code].remedy;
}

const aliases: Readonly<Record<string, TunnelErrorCode>> = {
  dns_timeout: 'dns_error',
  dns_busy: 'dns_error',
  port_25: 'destination_denied',
  tcp_loop: 'destination_denied',
  ECONNREFUSED: 'connection_refused',
  ECONNRESET: 'connection_reset',
  ETIMEDOUT: 'connection_timeout',
  EHOSTUNREACH: 'host_unreachable',
  ENETUNREACH: 'host_unreachable',
  ENOTFOUND: 'dns_error',
  EMFILE: 'out_of_resources',
};

/** Codes only the edge may give; a connector that claims one says `connection_failed`. */
const edgeOnly = new Set<TunnelErrorCode>([
  'unauthorized',
  'edge_unreachable',
  'edge_untrusted',
  'clock_disagrees',
  'unsupported_version',
  'too_many_links',
  'too_many_routes',
  'no_link',
  'tunnel_revoked',
  'aborted',
  'invalid_credentials',
  'invalid_config',
  'status_address',
  ...(Object.keys(configProblems) as ConfigProblemCode[]),
]);

/** The code a failed dial goes by on the link, whatever the dialler's own errors are. */
export function toDialCode(code: unknown): TunnelErrorCode {
  if (typeof code !== 'string') return 'connection_failed';
  const known = Object.hasOwn(aliases, code) ? aliases[code] : code;
  return isTunnelErrorCode(known) && !edgeOnly.has(known) ? known : 'connection_failed';
}
