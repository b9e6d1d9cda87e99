// Who is measured. Guests are programs that take orders on standard input; Workers are asked over HTTP. Each lives through
// all rounds, so that start-up and compilation are behind it.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { startChild } from '../kit/child.ts';
import { findFreePort } from '../kit/free-port.ts';
import { startPlainWorkerd as startPlain } from '../kit/plain-workerd.ts';
import { type Served, toServed, untilAnswered } from '../kit/served.ts';
import { toNodeCommand } from './node-guests.ts';
import type { Figures, Order } from './guests/serve.ts';

export type GuestName = 'net' | 'node' | 'deno' | 'bun';
export type WorkerName = 'worker' | 'workerd';
export type SubjectName = GuestName | WorkerName;

export interface Subject extends AsyncDisposable {
  readonly name: SubjectName;
  readonly pid: number;
  /** Does the work once. Rejects when it went wrong. */
  run(order: WorkerOrder): Promise<Figures>;
}

/** Workers know one kind of work more: a BYOB download. */
export type WorkerOrder = Omit<Order, 'work'> & { work: Order['work'] | 'byob' };

/** Paths of the executables that had to be found; Node is always there. */
export interface Executables {
  deno: string | undefined;
  bun: string | undefined;
}

const guestFolder = 'bench/sockets/guests';
const workerFixture = 'bench/fixtures/sockets-worker';
/** Milliseconds one piece of work may take. */
const deadline = 180_000;
export const helloFixture = 'bench/fixtures/hello';

function toGuestCommand(name: GuestName, { deno, bun }: Executables): string[] | undefined {
  if (name === 'net') return toNodeCommand('node-net');
  if (name === 'node') return toNodeCommand('node-connect');
  if (name === 'deno') return deno === undefined ? undefined : [deno, 'run', '-A', '--quiet', `${guestFolder}/deno.ts`];
  return bun === undefined ? undefined : [bun, 'run', `${guestFolder}/bun.ts`];
}

/** A guest's process; undefined where its runtime cannot be had. */
export function startGuest(name: GuestName, executables: Executables): Subject | undefined {
  const command = toGuestCommand(name, executables);
  if (command === undefined) return undefined;
  // Deno would otherwise read the workspace's manifest and look after its node_modules.
  const child = startChild(command, { env: { DENO_NO_PACKAGE_JSON: '1', DENO_NO_UPDATE_CHECK: '1' } });
  return {
    name,
    pid: child.pid,
    run: async (order) => {
      child.send(JSON.stringify(order));
      const answer = JSON.parse(await child.nextLine()) as Figures & { error?: string };
      if (answer.error !== undefined) throw new Error(`${name} ${order.work}: ${answer.error}`);
      return answer;
    },
    [Symbol.asyncDispose]: () => child.close(),
  };
}

/** `sallyport dev` as installed: the built command, in a process of its own. */
export async function startDev(folder: string): Promise<Served> {
  const state = await mkdtemp(join(tmpdir(), 'sallyport-bench-'));
  const port = await findFreePort();
  const flags = ['--ip', '127.0.0.1', '--port', String(port), '--no-watch', '--persist-to', state];
  const child = startChild([process.execPath, resolve('packages/cli/dist/main.js'), 'dev', ...flags], { cwd: folder });
  return toServed(child, port, () => rm(state, { recursive: true, force: true }));
}

/** workerd alone, with the same Worker. */
export function startPlainWorkerd(): Promise<Served> {
  return startPlain({ main: join(workerFixture, 'src/index.js'), compatibilityDate: '2026-08-01' });
}

export async function startWorker(name: WorkerName): Promise<Subject> {
  const served = await (name === 'worker' ? startDev(workerFixture) : startPlainWorkerd());
  await untilAnswered(served);
  return {
    name,
    pid: served.pid,
    run: async ({ work, hosts, port, bytes, count, wait }) => {
      const query = new URLSearchParams({ hostname: hosts[0] ?? '' });
      for (const [key, value] of Object.entries({ port, bytes, count, wait })) query.set(key, String(value));
      const startedAt = performance.now();
      const response = await fetch(`${served.origin}/${work}?${query}`, { signal: AbortSignal.timeout(deadline) });
      const text = await response.text();
      const milliseconds = performance.now() - startedAt;
      if (response.status !== 200) throw new Error(`${name} ${work}: ${response.status} ${text}`);
      return { milliseconds, ...(JSON.parse(text) as Partial<Figures>) };
    },
    [Symbol.asyncDispose]: () => served[Symbol.asyncDispose](),
  };
}
