// Which runtime answers requests now: one is up, one is being started, or there is none and the reason is known.
import { type Agent, IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { edgeHeaders } from '@sallyport/workers';
import type { Failure } from './error-page.ts';
import { isExceptionAnswer } from './failures.ts';
import { RuntimeAgent } from './runtime-agent.ts';
import { isTrigger } from './triggers.ts';
import type { Backend, Client, Refusal, Upstream } from './upstream.ts';

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

type Current = (BackendAddress & { agent: Agent; conversations: Set<Duplex> }) | { failure: Failure };

/** `request.cf`: what is known of a connection here, which is its protocol. */
const cfFields = [edgeHeaders.cf, JSON.stringify({ httpProtocol: 'HTTP/1.1' })];

export class BackendState implements Upstream {
  readonly #triggers: boolean;
  #current: Current | undefined;
  readonly #waiting = new Set<() => void>();
  #running = 0;
  #onIdle: (() => void) | undefined;
  #exception: { text: string; time: number } | undefined;
  readonly #listeners = new Set<() => void>();

  /** `triggers`: whether requests to the paths that fire events by hand do so. */
  constructor({ triggers = true }: { triggers?: boolean } = {}) {
    this.#triggers = triggers;
  }

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
  async acquire(client: Client): Promise<Backend | Refusal | undefined> {
    while (this.#current === undefined) {
      if (this.#waiting.size >= maxWaiting) {
        return unavailable({ title: 'Too many requests are waiting', detail: 'The Worker is being started.' });
      }
      await this.#wait(client);
      if (client.destroyed) return undefined;
    }
    const current = this.#current;
    if ('failure' in current) return unavailable(current.failure);
    const { conversations, agent, socketPath, triggersSocketPath } = current;
    const startedAt = performance.now();
    const release = this.#hold();
    const converse = (stream: Duplex): void => {
      release();
      conversations.add(stream);
      stream.once('close', () => conversations.delete(stream));
    };
    return {
      headers: (sent) => [...sent, ...cfFields],
      target: (path) => ({
        socketPath: this.#triggers && isTrigger(path) ? triggersSocketPath : socketPath,
        agent,
      }),
      release,
      converse,
      explain: async (problem) => {
        if (problem instanceof IncomingMessage && !isExceptionAnswer(problem)) return undefined;
        const exception = await this.exceptionSince(startedAt);
        if (exception !== undefined) {
          return { status: 500, failure: { title: 'The Worker threw an exception', detail: exception } };
        }
        if (problem instanceof IncomingMessage) return undefined;
        return unavailable({ title: 'The Worker did not answer', detail: problem.message });
      },
    };
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

function unavailable(failure: Failure): Refusal {
  return { status: 503, failure };
}
