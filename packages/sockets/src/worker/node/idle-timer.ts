// `socket.setTimeout()`: one timer that is looked at when it fires, because starting one anew for each message is costly.

export class IdleTimer {
  readonly #expired: () => void;
  #milliseconds = 0;
  #activeAt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(expired: () => void) {
    this.#expired = expired;
  }

  /** 0 turns it off. */
  set(milliseconds: number): void {
    this.clear();
    this.#milliseconds = milliseconds;
    this.touch();
  }

  /** Something happened. */
  touch(): void {
    if (this.#milliseconds === 0) return;
    this.#activeAt = Date.now();
    this.#timer ??= setTimeout(this.#onTimer, this.#milliseconds);
  }

  clear(): void {
    this.#milliseconds = 0;
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  readonly #onTimer = (): void => {
    this.#timer = undefined;
    const rest = this.#activeAt + this.#milliseconds - Date.now();
    if (rest > 0) this.#timer = setTimeout(this.#onTimer, rest);
    else this.#expired();
  };
}
