// Which runtime answers requests now: one is up, one is being started, or there is none and the reason is known.
import type { Agent } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Failure } from './error-page.ts';
import { RuntimeAgent } from './runtime-agent.ts';

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

/** A runtime, held for one request. */
export interface Backend extends BackendAddress {
  agent: Agent;
  /** The request is over. Idempotent. */
  release(): void;
  /** The request became a conversation without an end: it keeps no runtime alive, and ends with it. */
  converse(stream: Duplex): void;
}

/** What is told when a client goes. */
export interface Client {
  readonly destroyed: boolean;
  once(event: 'close', listener: () => void): unknown;
}

type Current = (BackendAddress & { agent: Agent; conversations: Set<Duplex> }) | { failure: Failure };

export class BackendState {
  #current: Current | undefined;
  readonly #waiting = new Set<() => void>();
  #running = 0;
  #onIdle: (() => void) | undefined;
  #exception: { text: string; time: number } | undefined;
  readonly #listeners = new Set<() => void>();

  /** Requests that wait for a runtime now. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** A handler threw; `text` is the exception as a person reads it. */
  threw(text: string): void {
    this.#exception = { text, time: performance.now() };
    for (const tell of this.#listeners) tell();
  }

  /** What a handler threw since `time`; waits a moment for it, because it travels another way than the request. */
  async exceptionSince(time: number): Promise<string | undefined> {
    const threw = (): boolean => this.#exception !== undefined && this.#exception.time >= time;
    if (!threw()) {
      await new Promise<void>((resolve) => {
        const done = (): void => {
          clearTimeout(timer);
          this.#listeners.delete(done);
          resolve();
        };
        const timer = setTimeout(done, exceptionWait);
        this.#listeners.add(done);
      });
    }
    return threw() ? this.#exception?.text : undefined;
  }

  /**
   * The runtime to use, held from this moment on; waits while one is being started. Undefined when the client went
   * meanwhile.
   */
  async acquire(client: Client): Promise<Backend | { failure: Failure } | undefined> {
    while (this.#current === undefined) {
      if (this.#waiting.size >= maxWaiting) {
        return { failure: { title: 'Too many requests are waiting', detail: 'The Worker is being started.' } };
      }
      await this.#wait(client);
      if (client.destroyed) return undefined;
    }
    const current = this.#current;
    if ('failure' in current) return current;
    const { conversations, ...parts } = current;
    const release = this.#hold();
    const converse = (stream: Duplex): void => {
      release();
      conversations.add(stream);
      stream.once('close', () => conversations.delete(stream));
    };
    return { ...parts, release, converse };
  }

  /** Requests use this runtime from now on. */
  use({ socketPath, triggersSocketPath }: BackendAddress): void {
    const agent = new RuntimeAgent();
    this.#settle({ socketPath, triggersSocketPath, agent, conversations: new Set() });
  }

  /** There is no runtime; requests are answered with the reason. */
  fail(failure: Failure): void {
    this.#settle({ failure });
  }

  /** Requests wait from now on; resolves when those that run are over, or after `grace` milliseconds. */
  async pause(grace: number): Promise<void> {
    const previous = this.#current;
    this.#current = undefined;
    if (this.#running > 0 && grace > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, grace);
        this.#onIdle = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#onIdle = undefined;
    }
    if (previous === undefined || 'failure' in previous) return;
    previous.agent.destroy();
    for (const stream of previous.conversations) stream.destroy();
  }

  #wait(client: Client): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#waiting.delete(done);
        resolve();
      };
      this.#waiting.add(done);
      client.once('close', done);
    });
  }

  #settle(current: Current): void {
    this.#current = current;
    for (const tell of this.#waiting) tell();
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
