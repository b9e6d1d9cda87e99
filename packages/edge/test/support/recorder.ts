// Events in order, kept until a test takes them: a test may act first and ask afterwards without missing one.

/** Milliseconds after which an event will not come any more: a test fails by name instead of hanging. */
const patience = 20_000;

export class Recorder<Event> {
  readonly all: Event[] = [];
  readonly #untaken: Event[] = [];
  readonly #waiting: { accepts(event: Event): boolean; resolve(event: Event): void }[] = [];

  readonly add = (event: Event): void => {
    this.all.push(event);
    const index = this.#waiting.findIndex(({ accepts }) => accepts(event));
    if (index === -1) this.#untaken.push(event);
    else this.#waiting.splice(index, 1)[0]!.resolve(event);
  };

  /** The oldest event that nobody took yet and that `accepts` is true for; waits for one when there is none. */
  next<Wanted extends Event = Event>(accepts: (event: Event) => boolean): Promise<Wanted> {
    const deadline = new Error(`no such event within ${patience / 1000} s`);
    const index = this.#untaken.findIndex((event) => accepts(event));
    if (index !== -1) return Promise.resolve(this.#untaken.splice(index, 1)[0] as Wanted);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        deadline.message += `; there were ${JSON.stringify(this.all.slice(-10))}`;
        reject(deadline);
      }, patience);
      this.#waiting.push({
        accepts,
        resolve: (event) => {
          clearTimeout(timer);
          resolve(event as Wanted);
        },
      });
    });
  }
}
