/**
 * The TCP sockets API of Cloudflare Workers on plain Node.js, without dependencies.
 *
 * ```ts
 * import { connect } from '@sallyport/sockets';
 *
 * const socket = connect('db.internal:5432', { secureTransport: 'starttls' });
 * const writer = socket.writable.getWriter();
 * await writer.write(new TextEncoder().encode('hello'));
 * const { value } = await socket.readable.getReader().read();
 * await socket.close();
 * ```
 *
 * `createConnect()` makes a `connect()` with the host's own dialling, TLS trust and limits; `withInvocation()` applies
 * the limit of six open sockets; `@sallyport/sockets/register` makes `import 'cloudflare:sockets'` resolve on Node.
 *
 * @module
 */
import type { Connect } from './create-connect.ts';
import { createConnect } from './node/create-connect.ts';

export type { AddressLike, SocketAddress } from './address.ts';
export type { Clock } from './clock.ts';
export type { Connect } from './create-connect.ts';
export type { SocketErrorCode } from './errors.table.ts';
export { type InvocationOptions, withInvocation } from './invocation.ts';
export { type ConnectHost, createConnect } from './node/create-connect.ts';
export type { Dial, DialOptions } from './node/dial.ts';
export type { FindTrust, TlsTrust } from './node/tls.ts';
export type { SecureTransport, SocketOptions, TlsOptions } from './options.ts';
export type { SlotLimits } from './slots.ts';
export { Socket } from './socket.ts';
export { SocketError } from './socket-error.ts';
export type { SocketInfo } from './transport.ts';

/** Opens a TCP connection with the system's resolver and trust; returns the socket at once. */
export const connect: Connect = createConnect();
