// PEM files that may be replaced while we run: whoever asks gets what is in them now. What cannot be used does not
// replace what could; it is told once, and looked at again when the files change again.
//
// Asked at each new connection and not by watching: a look at a file is cheap beside a handshake, it also sees through
// links that are switched (as orchestrators mount secrets), and nothing is lost between a change and its news.
import { readFileSync, statSync } from 'node:fs';
import { maxPemLength } from '@sallyport/control';

export interface MaterialEvents {
  /** Other contents are used from now on. */
  changed: (files: readonly string[]) => void;
  /** The files are not usable as they are now; what they were before still is. */
  kept: (error: Error) => void;
}

/** Milliseconds within which a file may change twice without its time telling. */
const unsettled = 50;

export class WatchedMaterial<Value> {
  readonly files: readonly string[];
  readonly #parse: (texts: readonly string[]) => Value;
  readonly #events: MaterialEvents;
  #value: Value | undefined;
  #seen: string | undefined;

  /** `parse` gets the files' texts and throws for what is not usable; its errors never show what they hold. */
  constructor(files: readonly string[], parse: (texts: readonly string[]) => Value, events: MaterialEvents) {
    this.files = files;
    this.#parse = parse;
    this.#events = events;
  }

  /** The same object until the files change. @throws Error while they have never been usable */
  current(): Value {
    const seen = this.files.map(lookAt).join('|');
    if (this.#value !== undefined && seen === this.#seen) return this.#value;
    try {
      const first = this.#value === undefined;
      const value = this.#parse(this.files.map(readSmall));
      this.#seen = isSettled(this.files) ? seen : undefined;
      if (!first && JSON.stringify(value) === JSON.stringify(this.#value)) return this.#value!;
      this.#value = value;
      if (!first) this.#events.changed(this.files);
      return value;
    } catch (error) {
      if (this.#value === undefined) throw error;
      this.#seen = seen;
      this.#events.kept(error as Error);
      return this.#value;
    }
  }
}

function lookAt(file: string): string {
  try {
    const { ino, size, mtimeMs, ctimeMs, mode } = statSync(file);
    return [ino, size, mtimeMs, ctimeMs, mode].join(':');
  } catch (error) {
    // Why it cannot be used is for whoever reads it to say.
    return String((error as NodeJS.ErrnoException).code);
  }
}

/** Whether another change would be seen in the files' times. */
function isSettled(files: readonly string[]): boolean {
  return files.every((file) => Date.now() - (statSync(file, { throwIfNoEntry: false })?.ctimeMs ?? 0) > unsettled);
}

function readSmall(file: string): string {
  const stats = statSync(file);
  if (!stats.isFile() || stats.size > maxPemLength) throw new Error(`${file} is no PEM file`);
  return readFileSync(file, 'utf8');
}
