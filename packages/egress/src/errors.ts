// The error registry of this package: one row per code, with message, remedy and whether trying again can help.
//
// Workers match on the documented messages, so those stay word for word; what really happened is in `code`, `detail`
// and `cause`. Codes are stable; never match on messages.
import type { Decision } from './decision.ts';

/** The stable codes of this package's errors. */
export type EgressErrorCode =
  | 'invalid_destination'
  | 'invalid_policy'
  | 'port_25'
  | 'destination_denied'
  | 'tcp_loop'
  | 'dns_error'
  | 'dns_timeout'
  | 'dns_busy'
  | 'connection_refused'
  | 'connection_reset'
  | 'connection_timeout'
  | 'host_unreachable'
  | 'out_of_resources'
  | 'connection_failed'
  | 'tunnel_unavailable'
  | 'aborted';

/** The values a row may put into its text. Only what is known at the time is set. */
export interface Facts {
  /** The target's port, as far as there was one. */
  port?: number | undefined;
  /** The entry or fixed rule that decided. */
  rule?: string | undefined;
  /** The address (or name) that was refused. */
  refused?: string | undefined;
  /** What happened, with which value. */
  detail: string;
}

interface Row {
  message: (facts: Facts) => string;
  remedy: string | ((facts: Facts) => string);
  retryable: boolean;
}

/** The text `connect()` has for every failed connection [TCP sockets, Troubleshooting]. */
function proxyRequestFailed({ port }: Facts): string {
  const text = 'proxy request failed, cannot connect to the specified address';
  const hint = 'It looks like you might be trying to connect to a HTTP-based service — consider using fetch instead';
  return port === 80 || port === 443 ? `${text}. ${hint}` : text;
}

const registry: Readonly<Record<EgressErrorCode, Row>> = {
  invalid_destination: {
    message: proxyRequestFailed,
    remedy: 'Give a host name or an IP address (IPv6 in brackets, no zone) and a port from 1 to 65535.',
    retryable: false,
  },
  invalid_policy: {
    message: ({ detail }) => detail,
    remedy: 'Correct the entry; packages/egress/README.md lists what an entry may hold.',
    retryable: false,
  },
  port_25: {
    message: () => 'Connections to port 25 are prohibited',
    remedy: "Use your mail provider's submission port (587 or 465) or its HTTP API.",
    retryable: false,
  },
  destination_denied: {
    message: proxyRequestFailed,
    remedy: ({ refused, rule }) =>
      `If ${refused} is meant to be reachable, put an allow entry for it before the rule that refused it (${rule}); one for a name needs resolvesTo.`,
    retryable: false,
  },
  tcp_loop: {
    message: () => 'TCP Loop detected',
    remedy: "The address is one of this edge's own listeners. Call the other Worker through a service binding instead.",
    retryable: false,
  },
  dns_error: {
    message: proxyRequestFailed,
    remedy: 'Check the spelling of the name, and that this machine can resolve it.',
    retryable: true,
  },
  dns_timeout: {
    message: proxyRequestFailed,
    remedy: "Check that this machine's DNS servers answer.",
    retryable: true,
  },
  dns_busy: {
    message: proxyRequestFailed,
    remedy: 'Too many names are being resolved at once; try again, and check that DNS answers.',
    retryable: true,
  },
  connection_refused: {
    message: proxyRequestFailed,
    remedy: 'Nothing listens on that port: start the server, or correct the port.',
    retryable: true,
  },
  connection_reset: {
    message: proxyRequestFailed,
    remedy: 'The far end hung up while connecting: look into its log, and at firewalls in between.',
    retryable: true,
  },
  connection_timeout: {
    message: proxyRequestFailed,
    remedy: 'The far end did not answer in time: check that it runs and that no firewall drops the packets.',
    retryable: true,
  },
  host_unreachable: {
    message: proxyRequestFailed,
    remedy: 'This machine has no way to that address: check its network and routes.',
    retryable: true,
  },
  out_of_resources: {
    message: proxyRequestFailed,
    remedy: 'This machine ran out of file descriptors or local ports: raise the limit, or close connections.',
    retryable: true,
  },
  connection_failed: {
    message: proxyRequestFailed,
    remedy: 'The cause names the error of the operating system.',
    retryable: true,
  },
  tunnel_unavailable: {
    message: proxyRequestFailed,
    remedy: 'No connector of the tunnel can be reached: start one with `sallyport tunnel run`, and look into its log.',
    retryable: true,
  },
  aborted: {
    message: () => 'The connection attempt was aborted',
    remedy: 'The caller gave up; nothing needs to be done.',
    retryable: true,
  },
};

/** Every code, for tables in documentation and tests. */
export const egressErrorCodes: readonly EgressErrorCode[] = Object.keys(registry) as EgressErrorCode[];

/** Everything an error says, before it is one. */
export interface Failure {
  code: EgressErrorCode;
  message: string;
  /** What happened, with which value. */
  detail: string;
  /** What the reader can do about it. */
  remedy: string;
}

/** The texts of one row, filled with the facts. */
export function toFailure(code: EgressErrorCode, facts: Facts): Failure {
  const row = registry[code];
  const remedy = typeof row.remedy === 'string' ? row.remedy : row.remedy(facts);
  return { code, message: row.message(facts), detail: facts.detail, remedy };
}

/** Everything this package throws or rejects with. */
export class EgressError extends Error {
  override readonly name = 'EgressError';
  readonly code: EgressErrorCode;
  /** What happened, with which value. */
  readonly detail: string;
  /** What the reader can do about it. */
  readonly remedy: string;
  /** Whether the same call may succeed later with nothing changed. */
  readonly retryable: boolean;
  /** What was decided about the destination, when it came that far. */
  readonly decision: Decision | undefined;

  constructor(failure: Failure, options: { cause?: unknown; decision?: Decision | undefined } = {}) {
    super(failure.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = failure.code;
    this.detail = failure.detail;
    this.remedy = failure.remedy;
    this.retryable = registry[failure.code].retryable;
    this.decision = options.decision;
  }
}
