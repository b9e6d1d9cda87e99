// What property tests of this package are made of.
import * as fc from 'fast-check';
import { WireError } from '../src/index.ts';

export function isWireError(error: unknown): error is WireError {
  return error instanceof WireError;
}

/** The same bytes in pieces, some of them empty. */
export function splitAt(bytes: Buffer, places: readonly number[]): Buffer[] {
  const cuts = [0, ...places.map((place) => Math.min(place, bytes.length)).sort((a, b) => a - b), bytes.length];
  return cuts.slice(1).map((cut, index) => bytes.subarray(cuts[index]!, cut));
}

/** Text that a message can hold. */
export const text: fc.Arbitrary<string> = fc
  .string({ unit: 'binary', maxLength: 40 })
  .map((value) => value.replaceAll('\0', ''))
  .map((value) => Buffer.from(value).toString());

/** A name with one character per byte, any of 1 to 255. */
export const name: fc.Arbitrary<string> = fc
  .array(fc.integer({ min: 1, max: 255 }), { maxLength: 40 })
  .map((codes) => String.fromCharCode(...codes));

export const bytes: fc.Arbitrary<Buffer> = fc.uint8Array({ maxLength: 60 }).map((value) => Buffer.from(value));
export const int16: fc.Arbitrary<number> = fc.integer({ min: -0x8000, max: 0x7fff });
export const int32: fc.Arbitrary<number> = fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff });
export const oid: fc.Arbitrary<number> = fc.nat({ max: 0xffff_ffff });
export const values: fc.Arbitrary<(Buffer | null)[]> = fc.array(fc.option(bytes), { maxLength: 8 });
