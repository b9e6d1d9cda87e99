// Stand-ins for time, DNS and dialling, each of which records what was asked of it.
import { Duplex } from 'node:stream';
import type { Address, Clock, Dial, Dialled, DialTarget, Resolve } from '../../src/index.ts';

export interface ManualClock extends Clock {
  /** Milliseconds of the timers that are set now. */
  readonly waiting: number[];
  /** Moves time on and runs what falls due, in order. */
  advance(milliseconds: number): void;
}

export function manualClock(): ManualClock {
  let now = 0;
  let timers: { at: number; milliseconds: number; callback: () => void }[] = [];
  return {
    get waiting() {
      return timers.map(({ milliseconds }) => milliseconds);
    },
    after(milliseconds, callback) {
      const timer = { at: now + milliseconds, milliseconds, callback };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
    advance(milliseconds) {
      const end = now + milliseconds;
      for (;;) {
        const [next] = timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
        if (next === undefined) break;
        timers = timers.filter((other) => other !== next);
        now = next.at;
        next.callback();
      }
      now = end;
    },
  };
}

export interface Attempt extends DialTarget {
  readonly aborted: boolean;
  succeed(): Dialled;
  fail(code: string): void;
}

export interface FakeDial {
  dial: Dial;
  attempts: Attempt[];
  /** `address:port` of every attempt. */
  readonly dialled: string[];
}

/** Attempts stay open until the test settles them, or at once when told how. */
export function fakeDial(options: { settle?: (attempt: Attempt) => void } = {}): FakeDial {
  const attempts: Attempt[] = [];
  const dial: Dial = ({ address, port }, { signal }) =>
    new Promise((resolve, reject) => {
      const attempt: Attempt = {
        address,
        port,
        get aborted() {
          return signal.aborted;
        },
        succeed() {
          const dialled = connection(address, port);
          resolve(dialled);
          return dialled;
        },
        fail(code) {
          reject(systemError(code));
        },
      };
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
      attempts.push(attempt);
      options.settle?.(attempt);
    });
  return {
    dial,
    attempts,
    get dialled() {
      return attempts.map(({ address, port }) => `${address}:${port}`);
    },
  };
}

export function connection(address: string, port: number): Dialled {
  const stream = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
  return { stream, remoteAddress: `${address}:${port}`, localAddress: '192.0.2.1:1' };
}

export function systemError(code: string): Error {
  return Object.assign(new Error(`connect ${code}`), { code });
}

export function addresses(...list: string[]): Address[] {
  return list.map((address) => ({ address }));
}

export interface FakeResolve {
  resolve: Resolve;
  asked: string[];
}

/** Answers from a table of names, in turn when a name has several answers; an unknown name does not exist. */
export function fakeResolve(table: Record<string, string[] | string[][]>): FakeResolve {
  const asked: string[] = [];
  const resolve: Resolve = async (name) => {
    const turn = asked.filter((other) => other === name).length;
    asked.push(name);
    const entry = table[name];
    if (entry === undefined) throw systemError('ENOTFOUND');
    const answers = Array.isArray(entry[0]) ? (entry as string[][]) : [entry as string[]];
    return addresses(...(answers[Math.min(turn, answers.length - 1)] ?? []));
  };
  return { resolve, asked };
}
