// What was begun and has to be ended: taken back in reverse order, once.

type Step = () => Promise<unknown>;

export class Cleanup {
  #steps: Step[] = [];
  #running: Promise<void> | undefined;

  add(...steps: Step[]): void {
    this.#steps.push(...steps);
  }

  /** Takes every step back, the last one first; what fails does not keep the others from being taken. */
  run(): Promise<void> {
    this.#running ??= this.#undo().finally(() => (this.#running = undefined));
    return this.#running;
  }

  async #undo(): Promise<void> {
    const errors: unknown[] = [];
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      await step().catch((error: unknown) => errors.push(error));
    }
    if (errors.length > 0) throw errors[0];
  }
}
