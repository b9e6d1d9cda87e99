// Tells of certificates before they end: at 30, 14, 7, 3 and 1 days, and when it is too late. Once for each step, again
// for another certificate.
import type { UsedCertificate } from './tls-settings.ts';
import type { OnTlsEvent } from './tls-event.ts';

/** Days left at which something is said. */
export const expirySteps: readonly number[] = [30, 14, 7, 3, 1, 0];
/** Milliseconds from one look to the next. */
const interval = 3_600_000;
const day = 86_400_000;

export interface ExpiryWatchOptions {
  certificates: () => readonly UsedCertificate[];
  onEvent: OnTlsEvent;
  /** Milliseconds since 1970. */
  now: () => number;
}

/** Whole days; negative when it is over. */
export function daysLeft(ends: number, now: number): number {
  return Math.floor((ends - now) / day);
}

export class ExpiryWatch {
  readonly #options: ExpiryWatchOptions;
  /** The step that was told of, by certificate. */
  #told = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ExpiryWatchOptions) {
    this.#options = options;
  }

  start(): void {
    this.look();
    this.#timer ??= setInterval(() => this.look(), interval).unref();
  }

  look(): void {
    const { certificates, onEvent, now } = this.#options;
    const told = new Map<string, number>();
    for (const { source, kind, name, ends } of certificates()) {
      const left = daysLeft(ends, now());
      const step = expirySteps.findLast((days) => left < days || (days === 0 && left < 0));
      if (step === undefined) continue;
      const key = `${source} ${ends}`;
      told.set(key, step);
      if (this.#told.get(key) !== step) {
        onEvent({ type: 'tls-expiring', source, use: kind, name, daysLeft: left });
      }
    }
    this.#told = told;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
