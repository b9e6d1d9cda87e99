// Connecting to the first of several addresses that answers [RFC 8305].
//
// Attempts start in order, the next one when the last has failed or has been silent for a while; the first success wins
// and the others are cut off. One address needs none of this and gets none of it.
import type { Clock } from './clock.ts';
import type { Dial, Dialled, DialTarget } from './dial.ts';

/** How long an attempt may be silent before the next one starts beside it, in milliseconds [RFC 8305 5]. */
export const attemptDelay = 250;

export interface DialFirstOptions {
  dial: Dial;
  clock: Clock;
  signal: AbortSignal;
}

/**
 * Dials the targets in order until one connects. Rejects with the error of the only target, or an `AggregateError` with
 * one error per target, or the signal's reason.
 */
export function dialFirst(targets: readonly DialTarget[], options: DialFirstOptions): Promise<Dialled> {
  const [only] = targets;
  if (only !== undefined && targets.length === 1) return options.dial(only, { signal: options.signal });
  return race(targets, options);
}

/** A dial that throws is a dial that fails. */
async function begin(dial: Dial, target: DialTarget, signal: AbortSignal): Promise<Dialled> {
  return dial(target, { signal });
}

function race(targets: readonly DialTarget[], { dial, clock, signal }: DialFirstOptions): Promise<Dialled> {
  return new Promise((resolve, reject) => {
    const attempts: AbortController[] = [];
    const errors: unknown[] = [];
    let failures = 0;
    let done = false;
    let cancelDelay: (() => void) | undefined;

    const finish = (winner?: AbortController): void => {
      done = true;
      cancelDelay?.();
      signal.removeEventListener('abort', abort);
      for (const attempt of attempts) if (attempt !== winner) attempt.abort(new Error('Another address was faster'));
    };
    const abort = (): void => {
      finish();
      reject(signal.reason as Error);
    };
    const startNext = (): void => {
      cancelDelay?.();
      const index = attempts.length;
      const target = targets[index];
      if (target === undefined) return;
      const attempt = new AbortController();
      attempts.push(attempt);
      if (index + 1 < targets.length) cancelDelay = clock.after(attemptDelay, startNext);
      begin(dial, target, attempt.signal).then(
        (dialled) => {
          if (done) {
            dialled.stream.destroy();
            return;
          }
          finish(attempt);
          resolve(dialled);
        },
        (error: unknown) => {
          if (done) return;
          errors[index] = error;
          failures += 1;
          if (failures === targets.length) {
            finish();
            reject(new AggregateError(errors, `None of ${targets.length} addresses answered`));
          } else if (index === attempts.length - 1) startNext();
        },
      );
    };

    if (signal.aborted) {
      abort();
      return;
    }
    signal.addEventListener('abort', abort, { once: true });
    startNext();
  });
}
