// Names and `*.suffix` patterns, all canonical: exact first, then the longest suffix.

export class NameTree<Value> {
  readonly #patterns = new Map<string, Value>();

  add(pattern: string, value: Value): void {
    this.#patterns.set(pattern, value);
  }

  remove(pattern: string): void {
    this.#patterns.delete(pattern);
  }

  /** The value of the most specific pattern that `accepts` takes. */
  find(name: string, accepts: (value: Value) => boolean): Value | undefined {
    let pattern = name;
    for (let rest = name; ;) {
      const value = this.#patterns.get(pattern);
      if (value !== undefined && accepts(value)) return value;
      const dot = rest.indexOf('.');
      if (dot === -1) return undefined;
      rest = rest.slice(dot + 1);
      pattern = `*.${rest}`;
    }
  }
}
