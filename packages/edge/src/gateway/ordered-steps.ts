// What is to be done towards an origin: one step after the other, and their source stops while one of them waits.

/** One thing to do; undefined when it is done at once. */
export type Step = () => Promise<void> | undefined;

export interface StepEvents {
  /** A step waits: its source has to stop. */
  waiting: () => void;
  /** A step that waited is done; others may follow. */
  stepped: () => void;
  /** Nothing waits any more. */
  idle: () => void;
}

export class OrderedSteps {
  readonly #events: StepEvents;
  /** As much as the source had in hand when it was stopped. */
  #backlog: Step[] = [];
  #busy = false;
  #dropped = false;

  constructor(events: StepEvents) {
    this.#events = events;
  }

  /** Whether a step waits. */
  get busy(): boolean {
    return this.#busy;
  }

  /** Does it now, or behind those that wait. A step that fails counts as done. */
  add(step: Step): void {
    if (this.#busy) {
      this.#backlog.push(step);
      return;
    }
    const pending = step();
    if (pending === undefined) return;
    this.#busy = true;
    this.#events.waiting();
    pending.then(this.#next, this.#next);
  }

  /** What was not begun is not done. */
  drop(): void {
    this.#dropped = true;
    this.#backlog = [];
  }

  readonly #next = (): void => {
    this.#busy = false;
    if (this.#dropped) return;
    this.#events.stepped();
    const steps = this.#backlog;
    this.#backlog = [];
    for (const [index, step] of steps.entries()) {
      this.add(step);
      if (!this.#busy) continue;
      this.#backlog.push(...steps.slice(index + 1));
      return;
    }
    this.#events.idle();
  };
}
