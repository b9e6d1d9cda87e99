// What happened at a peer, in order, kept until a test asks for it. So a test may act first and ask afterwards without
// missing an event, and never needs to sleep.

/** The events kept per name before the oldest is dropped; a test that floods a peer must not fill the memory. */
const keptPerName = 10_000;

interface Waiter<Value> {
  resolve(value: Value): void;
  reject(error: Error): void;
}

export class EventLog<Events extends object> {
  #kept = new Map<keyof Events, unknown[]>();
  #waiting = new Map<keyof Events, Waiter<unknown>[]>();
  #closed = false;

  add<Name extends keyof Events>(name: Name, value: Events[Name]): void {
    const waiter = this.#waiting.get(name)?.shift();
    if (waiter !== undefined) return waiter.resolve(value);
    const kept = this.#kept.get(name) ?? [];
    this.#kept.set(name, kept);
    kept.push(value);
    if (kept.length > keptPerName) kept.shift();
  }

  /** The oldest event of this name that nobody took yet; waits for one when there is none. */
  async next<Name extends keyof Events>(name: Name): Promise<Events[Name]> {
    const kept = this.#kept.get(name);
    if (kept !== undefined && kept.length > 0) return kept.shift() as Events[Name];
    if (this.#closed) throw new Error(`the peer was closed before its next '${String(name)}'`);
    return new Promise<Events[Name]>((resolve, reject) => {
      const waiting = this.#waiting.get(name) ?? [];
      this.#waiting.set(name, waiting);
      waiting.push({ resolve: resolve as (value: unknown) => void, reject });
    });
  }

  /** How many events of this name nobody took yet. */
  pending(name: keyof Events): number {
    return this.#kept.get(name)?.length ?? 0;
  }

  /** Rejects whoever still waits, so that a test fails by name instead of hanging. */
  close(): void {
    this.#closed = true;
    for (const [name, waiting] of this.#waiting) {
      for (const { reject } of waiting) reject(new Error(`the peer was closed before its next '${String(name)}'`));
    }
    this.#waiting.clear();
  }
}
