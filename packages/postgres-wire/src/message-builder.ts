// Puts messages together: `message(type, parts)` sets type and length in front.

/** What a message is made of. A string becomes UTF-8 with a zero byte behind it. */
export type Part = string | Uint8Array;

export function toMessage(type: number, parts: readonly Part[] = []): Buffer {
  let length = 4;
  for (const part of parts) length += typeof part === 'string' ? Buffer.byteLength(part) + 1 : part.length;
  const message = Buffer.allocUnsafe(length + 1);
  message[0] = type;
  message.writeUInt32BE(length, 1);
  let at = 5;
  for (const part of parts) {
    if (typeof part === 'string') {
      if (part.includes('\0')) throw new TypeError('A string in a message cannot hold a zero character');
      at += message.write(part, at);
      message[at] = 0;
      at += 1;
    } else {
      message.set(part, at);
      at += part.length;
    }
  }
  return message;
}

/** A string of one character per byte, as `MessageBody.byteString()` gives it. */
export function byteString(text: string): Buffer {
  return Buffer.from(`${text}\0`, 'latin1');
}

export function int16(number: number): Buffer {
  const bytes = Buffer.allocUnsafe(2);
  bytes.writeUInt16BE(number & 0xffff);
  return bytes;
}

export function int32(number: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeInt32BE(number | 0);
  return bytes;
}

/** Length and bytes; null is the length -1. */
export function value(bytes: Uint8Array | null): Part[] {
  return bytes === null ? [int32(-1)] : [int32(bytes.length), bytes];
}
