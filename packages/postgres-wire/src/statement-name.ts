// Puts another statement name into a message, without reading the rest: a Bind may be 1 GB behind its names.
import { WireError } from './errors.ts';
import { Frontend } from './message-types.table.ts';

/** Where the statement's name is: from `start` to `end`, the zero byte behind it not included. */
export interface NamePlace {
  start: number;
  end: number;
}

function endOfString(bytes: Buffer, start: number, end: number): number {
  const zero = bytes.indexOf(0, start);
  if (zero === -1 || zero >= end) throw new WireError('malformed_message', 'a string in a message has no end');
  return zero;
}

/** The place of the statement's name in a Parse, Bind, Describe or Close; undefined when it is about a portal. */
export function placeOfStatementName(bytes: Buffer, at: number, end: number): NamePlace | undefined {
  const body = at + 5;
  switch (bytes[at]) {
    case Frontend.Parse:
      return { start: body, end: endOfString(bytes, body, end) };
    case Frontend.Bind: {
      const start = endOfString(bytes, body, end) + 1;
      return { start, end: endOfString(bytes, start, end) };
    }
    default:
      return bytes[body] === 0x53 ? { start: body + 1, end: endOfString(bytes, body + 1, end) } : undefined;
  }
}

/**
 * The message from `at` to `end` (or the beginning of a longer one) with another name in place. The length field is
 * made right for the whole message.
 */
export function replaceStatementName(
  bytes: Buffer,
  at: number,
  end: number,
  { place, name }: { place: NamePlace; name: Uint8Array },
): Buffer {
  const change = name.length - (place.end - place.start);
  const message = Buffer.allocUnsafe(end - at + change);
  const before = place.start - at;
  bytes.copy(message, 0, at, place.start);
  message.set(name, before);
  bytes.copy(message, before + name.length, place.end, end);
  message.writeUInt32BE(bytes.readUInt32BE(at + 1) + change, 1);
  return message;
}
