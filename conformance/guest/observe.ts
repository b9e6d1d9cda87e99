// How a case puts what it saw into words that can be compared: outcomes of calls, promises and reads as short texts.
//
// Errors are named by what a program can depend on everywhere, `instanceof TypeError` or not, and their message. The class
// and members of our own errors have cases of their own.

/** Milliseconds to wait for what is expected to happen. */
const enough = 3_000;
/** Milliseconds after which what is not expected to happen is called pending. */
export const briefly = 250;

let patience = 1;

/** Stretches every wait; a second try on a busy machine is more patient than the first. */
export function setPatience(factor: number): void {
  patience = factor;
}

export function toPatient(milliseconds: number): number {
  return milliseconds * patience;
}

export function describe(error: unknown): string {
  if (!(error instanceof Error)) return `thrown ${show(error)}`;
  const kind = ['TypeError', 'RangeError', 'SyntaxError'].find((name) => error.constructor.name === name);
  const exception = typeof DOMException === 'function' && error instanceof DOMException ? error.name : undefined;
  return `${kind ?? exception ?? (error instanceof TypeError ? 'TypeError' : 'Error')}: ${error.message}`;
}

/** A value as text; bytes as the text they encode. */
export function show(value: unknown): string {
  if (value === undefined) return 'undefined';
  if (value instanceof Uint8Array) return JSON.stringify(new TextDecoder().decode(value));
  if (ArrayBuffer.isView(value)) return `${value.constructor.name}(${value.byteLength})`;
  if (typeof value === 'object' && value !== null && 'done' in value) {
    const { done, value: chunk } = value as { done: boolean; value: unknown };
    return done ? `done${chunk === undefined ? '' : ` ${show(chunk)}`}` : show(chunk);
  }
  return typeof value === 'symbol' || typeof value === 'bigint' || typeof value === 'function'
    ? String(value)
    : JSON.stringify(value);
}

function outcome(verb: string, value: unknown): string {
  return value === undefined ? verb : `${verb} ${show(value)}`;
}

/** What a call did, synchronously. */
export function attempt(action: () => unknown): string {
  try {
    return outcome('returned', action());
  } catch (error) {
    return `threw ${describe(error)}`;
  }
}

/** As `attempt`, for calls whose result does not matter. */
export function tries(action: () => unknown): string {
  try {
    action();
    return 'ok';
  } catch (error) {
    return `threw ${describe(error)}`;
  }
}

/** What became of a promise: `resolved …`, `rejected …` or `pending`. */
export async function settle(promise: Promise<unknown> | undefined, within: number = enough): Promise<string> {
  if (promise === undefined) return 'no promise';
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve('pending'), toPatient(within));
  });
  const settled = promise.then(
    (value) => outcome('resolved', value),
    (error: unknown) => `rejected ${describe(error)}`,
  );
  try {
    return await Promise.race([settled, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** `settle` for a promise that stays pending on at least one subject. */
export function soon(promise: Promise<unknown> | undefined): Promise<string> {
  return settle(promise, briefly);
}

export function bytes(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text) as Uint8Array<ArrayBuffer>;
}

/** Reads to the end; the text of all chunks, and how it ended when not by `done`. */
export async function drain(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return text;
      text += decoder.decode(value, { stream: true });
    }
  } catch (error) {
    return `${text} then ${describe(error)}`;
  }
}

/** Reads until this many characters (of one byte each) have come, or the end. */
export async function readChars(reader: ReadableStreamDefaultReader<Uint8Array>, count: number): Promise<string> {
  let text = '';
  while (text.length < count) {
    const { done, value } = await reader.read();
    if (done) return `${text} then done`;
    text += new TextDecoder().decode(value);
  }
  return text;
}

/** Reads one line; what comes behind it is dropped. */
export async function readLine(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string> {
  let text = '';
  try {
    while (!text.includes('\n')) {
      const { done, value } = await reader.read();
      if (done) break;
      text += new TextDecoder().decode(value);
    }
  } catch (error) {
    return `${text} then ${describe(error)}`;
  }
  return text.split('\n')[0]!;
}

/** Reads to the end and counts. */
export async function countBytes(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<number> {
  let total = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return total;
    total += value.byteLength;
  }
}
