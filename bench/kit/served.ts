// A server of Workers in a process of its own, and the wait until it serves.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Child } from './child.ts';

export const workerdBinary = 'node_modules/@cloudflare/workerd-linux-64/bin/workerd';

/** A running server of Workers and its address. */
export interface Served extends AsyncDisposable {
  readonly pid: number;
  readonly origin: string;
  /** Resolves when the process has ended, with how it ended. */
  readonly ended: Promise<Error>;
}

/** @param close what there is to clean up once the process has ended */
export function toServed(child: Child, port: number, close: () => Promise<void>): Served {
  return {
    pid: child.pid,
    ended: child.ended,
    origin: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      await child.close();
      await close();
    },
  };
}

/** Asks until the server answers (or answers as wanted), and returns that answer's status. */
export async function untilAnswered(
  { origin, ended }: Pick<Served, 'origin' | 'ended'>,
  { patience = 20_000, wanted = () => true }: { patience?: number; wanted?: (status: number) => boolean } = {},
): Promise<number> {
  const end = performance.now() + patience;
  let failure: Error | undefined;
  let said = 'nothing';
  void ended.then((error) => (failure = error));
  for (;;) {
    const response = await fetch(origin).catch(() => undefined);
    const text = await response?.text();
    if (response !== undefined) {
      if (wanted(response.status)) return response.status;
      said = `${response.status} ${text?.slice(0, 500)}`;
    }
    if (failure !== undefined) throw failure;
    if (performance.now() > end) throw new Error(`${origin} did not answer within ${patience} ms: ${said}`);
    await sleep(5);
  }
}
