/**
 * `node:tls` in a Worker that the edge runs: the edge makes the handshakes, with the host's trust or the program's own.
 *
 * @module
 */
import * as native from 'node:tls';
import { type Listener, normalizeArguments } from './connect-arguments.ts';
import { SecureContext, type SecureContextOptions, type TlsConnectOptions } from './tls-options.ts';
import { TLSSocket } from './tls-socket.ts';

export * from 'node:tls';
export { SecureContext, TLSSocket };

/** Remembers its options for connections that are made with it. */
export function createSecureContext(options?: SecureContextOptions): SecureContext {
  return new SecureContext(options);
}

/** `connect(options | port, host?, options?, listener?)`; the listener hears of `secureConnect`. */
export function connect(...args: unknown[]): TLSSocket {
  const [normal, listener] = normalizeArguments(args);
  const more = args.slice(1).find((value) => typeof value === 'object' && value !== null) as object | undefined;
  const options: TlsConnectOptions = { ...normal, ...more };
  const socket = new TLSSocket(options.socket, options);
  if (listener !== undefined) socket.once('secureConnect', listener as Listener);
  if (options.socket === undefined || options.socket === null) socket.connect(options);
  else if (options.timeout) socket.setTimeout(options.timeout);
  return socket;
}

const { default: own } = native as unknown as { default: object };

const tls: object = { ...own, TLSSocket, SecureContext, connect, createSecureContext };
export default tls;
