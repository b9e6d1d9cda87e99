// A deadline: one signal for "the caller gave up" and "it took too long", and which of the two it was.
import type { Clock } from './clock.ts';

export interface Deadline {
  readonly signal: AbortSignal;
  /** Whether time ran out (and not the caller's patience). */
  readonly expired: boolean;
  /** Ends the watch; must be called, or a timer and a listener stay behind. */
  release(): void;
}

export function startDeadline(
  milliseconds: number,
  options: { clock: Clock; signal?: AbortSignal | undefined },
): Deadline {
  const { clock, signal } = options;
  const controller = new AbortController();
  let expired = false;
  const giveUp = (): void => controller.abort(signal?.reason);
  if (signal?.aborted === true) giveUp();
  else signal?.addEventListener('abort', giveUp, { once: true });
  const cancel = clock.after(milliseconds, () => {
    expired = true;
    controller.abort(new Error(`Not done within ${milliseconds} ms`));
  });
  return {
    signal: controller.signal,
    get expired() {
      return expired;
    },
    release() {
      cancel();
      signal?.removeEventListener('abort', giveUp);
    },
  };
}

/**
 * The outcome of some work, or the signal's reason if that comes first. `onLate` receives a result nobody waits for any
 * more, so that it can be released.
 */
export function untilAborted<T>(
  work: Promise<T>,
  options: { signal: AbortSignal; onLate?: (result: T) => void },
): Promise<T> {
  const { signal, onLate } = options;
  return new Promise((resolve, reject) => {
    let waiting = true;
    const abandon = (): void => {
      waiting = false;
      reject(signal.reason as Error);
    };
    work.then(
      (result) => {
        signal.removeEventListener('abort', abandon);
        if (waiting) resolve(result);
        else onLate?.(result);
      },
      (error: unknown) => {
        signal.removeEventListener('abort', abandon);
        reject(error as Error);
      },
    );
    if (signal.aborted) abandon();
    else signal.addEventListener('abort', abandon, { once: true });
  });
}
