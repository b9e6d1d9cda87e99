// Things to be closed together, last first: AsyncDisposableStack, which Node 20 has not.

export class Scope implements AsyncDisposable {
  readonly #closers: (() => Promise<void>)[] = [];

  use<T extends AsyncDisposable>(resource: T): T {
    this.defer(async () => resource[Symbol.asyncDispose]());
    return resource;
  }

  defer(close: () => Promise<void>): void {
    this.#closers.push(close);
  }

  async close(): Promise<void> {
    for (let close = this.#closers.pop(); close !== undefined; close = this.#closers.pop()) await close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
