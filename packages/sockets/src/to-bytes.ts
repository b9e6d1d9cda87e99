// What may be written to a socket: byte views and ArrayBuffers, as the reference runtime's byte streams say it.

const byteStreamText = 'This TransformStream is being used as a byte stream, but received';
const stringText = `${byteStreamText} a string on its writable side. If you wish to write a string, you'll probably want to explicitly UTF-8-encode it with TextEncoder.`;
const objectText = `${byteStreamText} an object of non-ArrayBuffer/ArrayBufferView type on its writable side.`;

/** The chunk's bytes, not copied; throws the documented TypeError for anything that is not bytes. */
export function toBytes(chunk: unknown): Uint8Array {
  // A detached view has no bytes either, and cannot be copied.
  if (ArrayBuffer.isView(chunk) && chunk.byteLength === 0) return new Uint8Array(0);
  if (chunk instanceof Uint8Array) return chunk;
  if (ArrayBuffer.isView(chunk)) return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  if (chunk instanceof ArrayBuffer) return new Uint8Array(chunk);
  throw new TypeError(typeof chunk === 'string' ? stringText : objectText);
}
