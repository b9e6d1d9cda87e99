// A guest: a subject's process. It reads one piece of work a line from standard input, and answers with its figures.
// Runs on Node, Deno and Bun alike.
import { exit, stdin, stdout } from 'node:process';
import { createInterface } from 'node:readline';

export interface WorkOptions {
  /** Where to; for `rtt` and `cycles` several addresses, taken in turn. */
  hosts: string[];
  port: number;
  bytes: number;
  count: number;
  /** Milliseconds after which a stalled writer gives up. */
  wait: number;
}

export interface Figures {
  /** Milliseconds of the work, taken by the guest. */
  milliseconds: number;
  /** Bytes received, sent or offered. */
  bytes?: number;
}

export type Work = (options: WorkOptions) => Promise<{ bytes?: number; milliseconds?: number } | void>;
export type WorkName = 'down' | 'up' | 'rtt' | 'trips' | 'cycles' | 'stall' | 'pipe';
export type Works = Partial<Record<WorkName, Work>>;

export interface Order extends WorkOptions {
  work: WorkName;
}

export const chunkLength = 65_536;

export function serveWorks(works: Works): void {
  const lines = createInterface({ input: stdin });
  lines.on('close', () => exit(0));
  lines.on('line', (line) => {
    const order = JSON.parse(line) as Order;
    const startedAt = performance.now();
    works[order.work]!(order).then(
      (figures) => {
        const milliseconds = performance.now() - startedAt;
        stdout.write(`${JSON.stringify({ milliseconds, ...figures })}\n`);
      },
      (error: unknown) => {
        stdout.write(`${JSON.stringify({ error: error instanceof Error ? error.stack : String(error) })}\n`);
      },
    );
  });
}

export function hostOf({ hosts }: WorkOptions, index = 0): string {
  return hosts[index % hosts.length]!;
}

/** Resolves with `undefined` when the work takes longer. */
export function within(milliseconds: number, work: Promise<unknown>): Promise<unknown> {
  return Promise.race([work, new Promise((resolve) => setTimeout(resolve, milliseconds))]);
}
