// Runs every driver in every place and mode, and judges.
import { connect } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import { createConnect, type Dial } from '@sallyport/sockets';
import type { Json } from '../../case.ts';
import { type Cell, type Cells, type Driver, isSecure, type Mode, type Place, type Target } from '../driver.ts';
import { createOpenStream } from '../socket-stream.ts';
import { Lab } from './lab.ts';
import { type Setup, setups, toFindTrust, toSetup } from './setup.ts';
import { startDriverWorker } from './worker.ts';

/** Exercises that run at once. */
const concurrency = 4;
/** Milliseconds until an exercise counts as stuck. */
const deadline = 30_000;

export interface Job {
  driver: Driver;
  place: Place;
  mode: Mode;
  cell: Cell;
}

export interface Outcome extends Job {
  /** What was not as the cell says. */
  problem?: string;
  /** Milliseconds. */
  took?: number;
}

type Run = (target: Target) => Promise<Json>;

/** Node asks the system for names below `localhost`, which a Worker's host knows itself. */
const dialLoopback: Dial = ({ port }) => connect({ host: '127.0.0.1', port, allowHalfOpen: true });

export function toCells(driver: Driver, place: Place): Cells {
  const cells = driver[place];
  return 'why' in cells ? {} : (cells as Cells);
}

export function toJobs(drivers: readonly Driver[]): Job[] {
  return drivers.flatMap((driver) =>
    (['worker', 'node'] as const).flatMap((place) =>
      Object.entries(toCells(driver, place)).map(([mode, cell]) => ({ driver, place, mode: mode as Mode, cell })),
    ),
  );
}

export function isTried({ cell }: Job): boolean {
  return cell === 'works' || cell.fails !== undefined;
}

async function inTime(run: Promise<Json>): Promise<Json> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('no answer')), deadline);
  });
  return Promise.race([run, late]).finally(() => clearTimeout(timer));
}

async function judge(job: Job, run: Run, lab: Lab): Promise<string | undefined> {
  const { driver, mode, cell } = job;
  const attempt = async (options: { wrongName?: boolean }): Promise<{ seen: Json } | { error: string }> => {
    try {
      return { seen: await inTime(run(await lab.target(driver.server, mode, options))) };
    } catch (error) {
      return { error: error instanceof Error ? (error.stack ?? String(error)) : String(error) };
    }
  };
  const result = await attempt({});
  if (cell !== 'works') {
    if ('error' in result && cell.fails!.test(result.error)) return undefined;
    return `should fail with ${String(cell.fails)}: ${JSON.stringify(result)}`;
  }
  if ('error' in result) return result.error;
  const expected = driver.expected(mode);
  if (!isDeepStrictEqual(result.seen, expected)) {
    return `saw ${JSON.stringify(result.seen)} instead of ${JSON.stringify(expected)}`;
  }
  if (!isSecure(mode)) return undefined;
  const wrong = await attempt({ wrongName: true });
  if ('seen' in wrong) return 'a certificate for another name was accepted';
  return wrong.error.includes('no answer') ? 'a certificate for another name left it hanging' : undefined;
}

/** The outcomes, in order. */
export async function runMatrix(jobs: readonly Job[], tell?: (outcome: Outcome) => void): Promise<Outcome[]> {
  const lab = await Lab.create();
  const problems = new Map<Job, string>();
  const runSetup = async (setup: Setup): Promise<void> => {
    const its = jobs.filter((job) => toSetup(job.mode) === setup && isTried(job));
    if (its.length === 0) return;
    const open = createOpenStream(createConnect({ tls: toFindTrust(setup, lab), dial: dialLoopback }));
    const worker = await startDriverWorker(setup, lab);
    const queue = its.values();
    const work = async (): Promise<void> => {
      for (const job of queue) {
        const { driver, place } = job;
        const run: Run = (target) =>
          place === 'node' ? driver.exercise(target, open) : worker.run({ driver: driver.package, target });
        const started = performance.now();
        const problem = await judge(job, run, lab);
        if (problem !== undefined) problems.set(job, problem);
        tell?.({ ...job, took: performance.now() - started, ...(problem !== undefined && { problem }) });
      }
    };
    try {
      await Promise.all(Array.from({ length: concurrency }, work));
    } finally {
      await worker[Symbol.asyncDispose]();
    }
  };
  try {
    for (const setup of setups) await runSetup(setup);
  } finally {
    await lab[Symbol.asyncDispose]();
  }
  return jobs.map((job) => {
    const problem = problems.get(job);
    return problem === undefined ? job : { ...job, problem };
  });
}
