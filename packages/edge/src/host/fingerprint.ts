// Tells whether something made from files is still the same, without keeping it.
import { createHash } from 'node:crypto';

/** A short text that differs when the value's JSON differs. Byte arrays count by their contents. */
export function fingerprint(value: unknown): string {
  const hash = createHash('sha256');
  const text = JSON.stringify(value, (_key, item: unknown) => {
    if (!(item instanceof Uint8Array)) return item;
    return createHash('sha256').update(item).digest('hex');
  });
  return hash.update(text ?? '').digest('base64url');
}
