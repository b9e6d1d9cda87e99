/**
 * The door for sibling packages: the gateway is the far end of a Worker's socket, and drives the Node transport itself.
 *
 * @module
 */
export type { ParsedAddress } from './address.ts';
export { type Clock, systemClock } from './clock.ts';
export { errorTable, type SocketErrorCode } from './errors.table.ts';
export { type Dial, dialDirect } from './node/dial.ts';
export {
  contextOf,
  type FindTrust,
  fromHandshake,
  fromTlsAlert,
  isTlsAlert,
  startTlsOver,
  tlsErrorCode,
  type TlsTrust,
} from './node/tls.ts';
export { toAuthority } from './node/authority.ts';
export { NodeTransport } from './node/transport.ts';
export { type CheckedOptions, defaults, type TlsOptions } from './options.ts';
export { isSocketErrorCode, SocketError, toTlsError } from './socket-error.ts';
export type { SocketInfo, TransportEvents } from './transport.ts';
export { FrameError, type FrameHandlers, FrameParser } from './wire/frame-parser.ts';
export {
  encodeControl,
  encodeFrame,
  type FrameType,
  frameType,
  headerLength,
  maxControlLength,
  maxRequestLength,
  socketAuthority,
  writeHeader,
} from './wire/frames.ts';
export { type NameQuestion, type OpenMessage, parseOpen, parseQuestion, parseTls, toFailed } from './wire/messages.ts';
