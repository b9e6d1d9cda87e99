// What may be stored: checked once, for every driver.
import { ControlError } from './errors.ts';
import type { Json } from './store.ts';

/** The longest key, in characters. */
export const maxKeyLength = 512;

/** The largest document, in bytes of JSON. */
export const maxDocumentSize: number = 1024 * 1024;

export function checkKey(key: string): void {
  if (key.length > maxKeyLength || !/^[\w.-]+(?:\/[\w.-]+)*$/.test(key)) {
    throw new ControlError('invalid_document', `the key ${JSON.stringify(key.slice(0, 100))}`);
  }
}

/** JSON text of a value. */
export function toText(key: string, value: Json): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    throw new ControlError('invalid_document', `the value of ${key} is not JSON`, { cause: error });
  }
  if (text === undefined) throw new ControlError('invalid_document', `the value of ${key} is not JSON`);
  if (Buffer.byteLength(text) <= maxDocumentSize) return text;
  throw new ControlError('invalid_document', `the value of ${key} has more than ${maxDocumentSize} bytes`);
}
