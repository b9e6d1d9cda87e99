// Every error this package can deliver, in one table: code, message, whether trying again may help, and the remedy.
//
// Messages of connection failures are the documented ones, word for word, because people match on them; what the
// documented text hides is in `code`, `remedy` and `cause`.

export interface ErrorRow {
  message: string;
  /** True when the same call may succeed later without any change. */
  retryable: boolean;
  /** What the reader of the error can do. */
  remedy: string;
}

/** The documented text for every connection that could not be made. */
export const cannotConnect = 'proxy request failed, cannot connect to the specified address';

/** Appended by the runtime when the port is 80 or 443. */
export const considerFetch =
  '. It looks like you might be trying to connect to a HTTP-based service — consider using fetch instead';

const lost = 'Network connection lost.';

/** Stable codes, in the order of the table; `switch (error.code)` narrows. */
export const socketErrorCodes = [
  'connection_failed',
  'connection_refused',
  'connection_timeout',
  'host_unreachable',
  'dns_error',
  'dns_timeout',
  'dns_busy',
  'out_of_resources',
  'tunnel_unavailable',
  'invalid_destination',
  'destination_denied',
  'port_25',
  'tcp_loop',
  'gateway_lost',
  'connection_lost',
  'connection_reset',
  'closed',
  'aborted',
  'linger_timeout',
  'slot_timeout',
  'tls_expired',
  'tls_not_yet_valid',
  'tls_self_signed',
  'tls_unknown_authority',
  'tls_name_mismatch',
  'tls_bad_certificate',
  'tls_not_tls',
  'tls_version',
  'tls_alpn',
  'tls_client_certificate',
  'tls_timeout',
  'tls_closed',
  'tls_failed',
  'tls_early_plaintext',
] as const;

export type SocketErrorCode = (typeof socketErrorCodes)[number];

export const errorTable: Record<SocketErrorCode, ErrorRow> = {
  connection_failed: row(cannotConnect, true, 'Look at the cause; the network reported something unusual.'),
  connection_refused: row(
    cannotConnect,
    true,
    'Nothing listens on that port: check the port and that the server runs.',
  ),
  connection_timeout: row(
    cannotConnect,
    true,
    'Nobody answered: check the address and firewalls, or raise connectTimeout.',
  ),
  host_unreachable: row(cannotConnect, true, 'There is no route to that address from here.'),
  dns_error: row(cannotConnect, true, 'The name did not resolve: check its spelling and the resolver.'),
  dns_timeout: row(cannotConnect, true, 'The name was not resolved in time: check the resolver.'),
  dns_busy: row(cannotConnect, true, 'Too many names are being resolved at once: try again.'),
  out_of_resources: row(cannotConnect, true, 'The system is out of ports, memory or file descriptors.'),
  tunnel_unavailable: row(cannotConnect, true, 'No connector of the tunnel is connected: start one.'),
  invalid_destination: row(cannotConnect, false, 'That is not an address one can connect to: check its spelling.'),
  destination_denied: row(cannotConnect, false, 'The policy forbids that destination.'),
  port_25: row('Connections to port 25 are prohibited', false, 'Submit mail on port 587 or 465 instead.'),
  tcp_loop: row('TCP Loop detected', false, 'The connection would lead back here: connect to another service.'),
  gateway_lost: row(cannotConnect, true, 'The gateway did not answer: check that the edge runs.'),
  connection_lost: row(lost, true, 'The connection ended unexpectedly: connect again.'),
  connection_reset: row(lost, true, 'The other side reset the connection: connect again, or read its log.'),
  closed: row('This socket has been closed.', false, 'close() was called on this socket.'),
  aborted: row('The connection was aborted by its signal.', false, 'The AbortSignal passed to connect() fired.'),
  linger_timeout: row(
    'The socket was closed before everything written to it could be sent.',
    true,
    'The other side stopped reading. Await writes before close() to know what was sent.',
  ),
  slot_timeout: row(
    'No socket slot became free in time.',
    true,
    'Close sockets as soon as they are done with; an invocation may hold six open at once.',
  ),
  tls_expired: row('the certificate has expired', false, 'Renew the certificate of the server.'),
  tls_not_yet_valid: row('the certificate is not valid yet', false, 'Check the clocks on both sides.'),
  tls_self_signed: row(
    'the certificate is self-signed and not trusted',
    false,
    'Give the host the certificate, or its authority, to trust.',
  ),
  tls_unknown_authority: row(
    'the certificate was issued by an authority that is not trusted',
    false,
    'Give the host the certificate of the authority to trust.',
  ),
  tls_name_mismatch: row(
    'the certificate is not for this name',
    false,
    'Connect by a name in the certificate, or set expectedServerHostname.',
  ),
  tls_bad_certificate: row('the certificate was not accepted', false, 'Look at the cause for what is wrong with it.'),
  tls_not_tls: row(
    'the server did not answer with TLS',
    false,
    'Check the port, and whether the protocol needs startTls().',
  ),
  tls_version: row('no common TLS version or cipher', false, 'The server must offer TLS 1.2 or newer.'),
  tls_alpn: row('the server accepted none of the offered protocols', false, 'Offer a protocol in alpn that it speaks.'),
  tls_client_certificate: row(
    'the server did not accept our client certificate, or none was given',
    false,
    'Give the host a client certificate for this destination.',
  ),
  tls_timeout: row('the handshake took too long', true, 'The server accepted the connection but stopped talking.'),
  tls_closed: row('the connection ended during the handshake', true, 'The server hung up: read its log.'),
  tls_failed: row('the handshake failed', false, 'Look at the cause.'),
  tls_early_plaintext: row(
    'bytes that were received in the clear had not been read',
    false,
    'Read everything the server sends before startTls(). If that was done, someone may be injecting data.',
  ),
};

function row(message: string, retryable: boolean, remedy: string): ErrorRow {
  return { message, retryable, remedy };
}
