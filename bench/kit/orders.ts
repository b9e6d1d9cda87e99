// A program of this bench: takes one order a line from standard input and answers each with one line of figures.
import { exit, stdin, stdout } from 'node:process';
import { createInterface } from 'node:readline';

export type Answer = Readonly<Record<string, unknown>>;

/** What a program can be asked to do, by the order's `work`. */
export type Works = Readonly<Record<string, (order: never) => Promise<Answer> | Answer>>;

export function print(answer: Answer): void {
  stdout.write(`${JSON.stringify(answer)}\n`);
}

export function serveOrders(works: Works): void {
  const lines = createInterface({ input: stdin });
  lines.on('close', () => exit(0));
  lines.on('line', (line) => {
    const order = JSON.parse(line) as { work: string };
    Promise.resolve(works[order.work]!(order as never)).then(print, (error: unknown) =>
      print({ error: error instanceof Error ? error.stack : String(error) }),
    );
  });
}
