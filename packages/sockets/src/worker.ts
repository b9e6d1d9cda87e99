/**
 * `cloudflare:sockets` inside a Worker that the edge runs: the same socket over the edge's gateway. Bundling binds every
 * import of `cloudflare:sockets` to this module.
 *
 * @module
 */
import { type Connect, connectThrough } from './create-connect.ts';
import { isBound, BoundTransport } from './worker/bound-transport.ts';
import { WorkerTransport } from './worker/transport.ts';

export type { AddressLike, SocketAddress } from './address.ts';
export { withInvocation } from './invocation.ts';
export type { SecureTransport, SocketOptions, TlsOptions } from './options.ts';
export type { Socket } from './socket.ts';
export { SocketError } from './socket-error.ts';
export type { SocketInfo } from './transport.ts';

/** Opens a TCP connection through the edge; returns the socket at once. */
export const connect: Connect = connectThrough({
  // workerd allocates 4 KiB for a read that brings no buffer, and hands a larger chunk on in pieces of that. 64 KiB were
  // a little faster in bulk, but seemed to cost small messages some 10 µs each: a compromise, not a measured optimum.
  readSize: 16_384,
  createTransport: (address, options) =>
    isBound(address) ? new BoundTransport(address, options) : new WorkerTransport(address, options),
});
