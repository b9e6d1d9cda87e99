// Requests whose answers were too long to be stored: for a while they are not recorded in vain.
import { createHash } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { maxOversized, oversizedMemory } from './limits.ts';

export class Oversized {
  readonly #clock: Clock;
  /** By digest, as keys may be long: until when. Those that were added first are first. */
  readonly #until = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(key: string): void {
    const digest = toDigest(key);
    this.#until.delete(digest);
    if (this.#until.size >= maxOversized) this.#until.delete(this.#until.keys().next().value!);
    this.#until.set(digest, this.#clock.now() + oversizedMemory);
  }

  has(key: string): boolean {
    if (this.#until.size === 0) return false;
    const digest = toDigest(key);
    const until = this.#until.get(digest);
    if (until === undefined || this.#clock.now() < until) return until !== undefined;
    this.#until.delete(digest);
    return false;
  }
}

function toDigest(key: string): string {
  return createHash('sha256').update(key).digest('base64');
}
