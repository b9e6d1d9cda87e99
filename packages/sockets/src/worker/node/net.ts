/**
 * `node:net` in a Worker that the edge runs: clients go through the edge's gateway; everything else is the runtime's own.
 *
 * @module
 */
import * as native from 'node:net';
import { normalizeArguments } from './connect-arguments.ts';
import { Socket, type SocketOptions } from './socket.ts';

export * from 'node:net';
export { Socket, Socket as Stream };

/** Opens a connection; see `Socket.connect()`. */
export function connect(...args: unknown[]): Socket {
  const [options] = normalizeArguments(args);
  return new Socket(options as SocketOptions).connect(...args);
}

export { connect as createConnection };

const { default: own } = native as unknown as { default: object };

const net: object = { ...own, Socket, Stream: Socket, connect, createConnection: connect };
export default net;
