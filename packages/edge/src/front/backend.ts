// Which runtime answers requests now: one is up, one is being started, or there is none and the reason is known.
import { Agent } from 'node:http';
import type { Failure } from './error-page.ts';

/** Requests that may wait for a runtime; one more is refused. */
export const maxWaiting = 1_000;

/** Milliseconds a failed request waits for the exception that explains it. */
const exceptionWait = 100;

export interface BackendAddress {
  /** Unix socket of the Worker's HTTP. */
  socketPath: string;
  /** Unix socket of the service that fires events. */
  triggersSocketPath: string;
}

export interface Backend extends BackendAddress {
  agent: Agent;
  /** Marks a request as running; call the result when it is over. */
  hold(): () => void;
}

type Ready = Backend | { failure: Failure };

export class BackendState {
  #current: Ready | undefined;
  #waiting: ((ready: Ready) => void)[] = [];
  #running = 0;
  #onIdle: (() => void) | undefined;
  #exception: { text: string; time: number } | undefined;
  #listeners: (() => void)[] = [];

  /** A handler threw; `text` is the exception as a person reads it. */
  threw(text: string): void {
    this.#exception = { text, time: performance.now() };
    for (const told of this.#listeners.splice(0)) told();
  }

  /** What a handler threw since `time`; waits a moment for it, because it travels another way than the request. */
  async exceptionSince(time: number): Promise<string | undefined> {
    if (this.#exception === undefined || this.#exception.time < time) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, exceptionWait);
        this.#listeners.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
    return this.#exception !== undefined && this.#exception.time >= time ? this.#exception.text : undefined;
  }

  /** The runtime to use; waits while one is being started. */
  async ready(): Promise<Ready> {
    if (this.#current !== undefined) return this.#current;
    if (this.#waiting.length >= maxWaiting) {
      return { failure: { title: 'Too many requests are waiting', detail: 'The Worker is being started.' } };
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Requests use this runtime from now on. */
  use(address: BackendAddress): void {
    const agent = new Agent({ keepAlive: true });
    this.#settle({ ...address, agent, hold: () => this.#hold() });
  }

  /** There is no runtime; requests are answered with the reason. */
  fail(failure: Failure): void {
    this.#settle({ failure });
  }

  /** Requests wait from now on; resolves when those that run are over, or after `grace` milliseconds. */
  async pause(grace: number): Promise<void> {
    const previous = this.#current;
    this.#current = undefined;
    if (this.#running > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, grace);
        this.#onIdle = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#onIdle = undefined;
    }
    if (previous !== undefined && 'agent' in previous) previous.agent.destroy();
  }

  #settle(ready: Ready): void {
    this.#current = ready;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve(ready);
  }

  #hold(): () => void {
    this.#running += 1;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#running -= 1;
      if (this.#running === 0) this.#onIdle?.();
    };
  }
}
