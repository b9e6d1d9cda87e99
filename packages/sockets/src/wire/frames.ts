// The socket protocol between a Worker's socket and the edge's gateway: frames on one native connection.
//
//   frame = type (1 byte) · length (3 bytes, big-endian) · payload
//
// Everything that belongs to one socket travels in order on one connection, so the gateway knows exactly behind which
// byte TLS starts, the Worker learns why a connection broke, and one write opens the socket and carries its first bytes.
// Worker → gateway: open, data*, [startTls, data*], end.   Gateway → Worker: opened | failed, data*, [secured], end | failed.
// Instead of `open` a Worker may send `resolve`, a question of `node:dns`, which is answered with `resolved` or `failed`.
// A connection that ends without `end` was abandoned, and what it led to is reset.

export const frameType = {
  open: 1,
  opened: 2,
  failed: 3,
  data: 4,
  end: 5,
  startTls: 6,
  secured: 7,
  resolve: 8,
  resolved: 9,
} as const;

export type FrameType = (typeof frameType)[keyof typeof frameType];

/** Authority that a Worker's socket natively connects to: the gateway then speaks frames instead of relaying bytes. */
export const socketAuthority = 'v1.socket.sallyport:1';

export const headerLength = 4;
export const maxFrameLength = 0xff_ff_ff;
/** Longest payload of a frame other than data; a longer one is a protocol error. */
export const maxControlLength = 16_384;
/** The same for the frames by which a Worker asks for a connection or for TLS: they may bring authorities and a key. */
export const maxRequestLength = 262_144;

/** A frame in one piece. The payload is copied. */
export function encodeFrame(type: FrameType, payload?: Uint8Array): Uint8Array<ArrayBuffer> {
  const length = payload?.byteLength ?? 0;
  const frame = new Uint8Array(headerLength + length);
  writeHeader(frame, type, length);
  if (payload !== undefined) frame.set(payload, headerLength);
  return frame;
}

/** A frame whose payload is JSON. */
export function encodeControl(type: FrameType, value: unknown): Uint8Array<ArrayBuffer> {
  return encodeFrame(type, new TextEncoder().encode(JSON.stringify(value)));
}

export function writeHeader(target: Uint8Array, type: FrameType, length: number): void {
  target[0] = type;
  target[1] = length >>> 16;
  target[2] = length >>> 8;
  target[3] = length;
}
