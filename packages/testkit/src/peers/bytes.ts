// The bytes a source sends: the same for every run, and different at every offset that matters, so that a lost, doubled
// or reordered chunk changes the hash.
import { createHash } from 'node:crypto';

const blockSize = 64 * 1024;
// A prime period, so that no power-of-two chunk boundary lines up with it.
const period = 65_521;
const pattern = Buffer.alloc(period + blockSize, Buffer.from(Array.from({ length: period }, (_, i) => (i * 167) >> 3)));

/** Up to 64 KiB of the source's bytes, starting at `offset`. */
export function sourceBytes(offset: number, length: number): Buffer {
  const start = offset % period;
  return pattern.subarray(start, start + Math.min(length, blockSize));
}

/** SHA-256 (hex) of the first `length` bytes that a source sends. */
export function sourceHash(length: number): string {
  const hash = createHash('sha256');
  for (let offset = 0; offset < length; offset += blockSize) {
    hash.update(sourceBytes(offset, Math.min(blockSize, length - offset)));
  }
  return hash.digest('hex');
}
