// Takes frames apart as bytes arrive. Payloads of data frames are passed on piece by piece without being collected;
// control frames are collected, up to `maxControlLength`.
import { type FrameType, frameType, headerLength, maxControlLength, maxRequestLength } from './frames.ts';

export interface FrameHandlers {
  /** A piece of a data frame's payload: a view of the bytes given to `push()`. */
  data(piece: Uint8Array<ArrayBuffer>): void;
  /** A whole control frame; the value is its JSON payload, undefined when empty. */
  control(type: FrameType, value: unknown): void;
}

/** The peer does not speak the protocol. Nothing more can be read from it. */
export class FrameError extends Error {
  override readonly name: string = 'FrameError';
}

const requests = new Set<number>([frameType.open, frameType.startTls]);
const noBytes: Uint8Array = new Uint8Array(0);
const knownTypes = new Set<number>(Object.values(frameType));

export class FrameParser {
  readonly #handlers: FrameHandlers;
  readonly #header = new Uint8Array(headerLength);
  #headerFilled = 0;
  /** The frame being read; its payload is not complete yet. */
  #type: FrameType | undefined;
  #remaining = 0;
  #control = noBytes;

  constructor(handlers: FrameHandlers) {
    this.#handlers = handlers;
  }

  /** True between frames. */
  get atBoundary(): boolean {
    return this.#type === undefined && this.#headerFilled === 0;
  }

  /** @throws FrameError on an unknown type, an oversized control frame or a payload that is not JSON */
  push(bytes: Uint8Array<ArrayBuffer>): void {
    let offset = 0;
    while (offset < bytes.byteLength) {
      offset += this.#type === undefined ? this.#readHeader(bytes, offset) : this.#readPayload(bytes, offset);
    }
  }

  #readHeader(bytes: Uint8Array, offset: number): number {
    const count = Math.min(headerLength - this.#headerFilled, bytes.byteLength - offset);
    for (let at = 0; at < count; at += 1) this.#header[this.#headerFilled + at] = bytes[offset + at]!;
    this.#headerFilled += count;
    if (this.#headerFilled === headerLength) this.#beginFrame();
    return count;
  }

  #beginFrame(): void {
    const header = this.#header;
    const type = header[0]!;
    const length = (header[1]! << 16) | (header[2]! << 8) | header[3]!;
    if (!knownTypes.has(type)) throw new FrameError(`unknown frame type ${type}`);
    const longest = requests.has(type) ? maxRequestLength : maxControlLength;
    if (type !== frameType.data && length > longest) throw new FrameError(`control frame of ${length} bytes`);
    this.#headerFilled = 0;
    this.#type = type as FrameType;
    this.#remaining = length;
    if (length === 0) this.#endFrame();
    else if (type !== frameType.data) this.#control = new Uint8Array(length);
  }

  #readPayload(bytes: Uint8Array<ArrayBuffer>, offset: number): number {
    const count = Math.min(this.#remaining, bytes.byteLength - offset);
    const piece = bytes.subarray(offset, offset + count);
    const isData = this.#type === frameType.data;
    if (!isData) this.#control.set(piece, this.#control.byteLength - this.#remaining);
    this.#remaining -= count;
    if (this.#remaining === 0) this.#endFrame();
    if (isData) this.#handlers.data(piece);
    return count;
  }

  #endFrame(): void {
    const type = this.#type!;
    this.#type = undefined;
    if (type === frameType.data) return;
    const payload = this.#control;
    this.#control = noBytes;
    this.#handlers.control(type, payload.byteLength === 0 ? undefined : fromJson(payload));
  }
}

function fromJson(payload: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
  } catch (error) {
    throw new FrameError('control frame is not JSON', { cause: error });
  }
}
