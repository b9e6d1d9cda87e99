// From a command to the first answer: `sallyport dev` on a small project, and workerd alone with a ready-made Worker,
// which is what any tool around it starts from.
import { toMedian } from '../kit/statistics.ts';
import { type Served, untilAnswered } from '../kit/served.ts';
import { helloFixture, startDev, startPlainWorkerd, type WorkerName } from './subjects.ts';

const starts: Record<WorkerName, () => Promise<Served>> = {
  worker: () => startDev(helloFixture),
  workerd: startPlainWorkerd,
};

/** Seconds of each round. */
export async function measureReady(runs: number): Promise<Record<WorkerName, number[]>> {
  const seconds: Record<WorkerName, number[]> = { worker: [], workerd: [] };
  for (let round = -1; round < runs; round += 1) {
    for (const name of ['worker', 'workerd'] as const) {
      // What is prepared before the spawn (a folder, a free port) takes well under a millisecond.
      const startedAt = performance.now();
      await using served = await starts[name]();
      const status = await untilAnswered(served);
      const took = (performance.now() - startedAt) / 1000;
      if (name === 'worker' && status !== 200) throw new Error(`sallyport dev answered ${status}`);
      if (round >= 0) seconds[name].push(took);
    }
  }
  console.log(
    `ready: worker ${toMedian(seconds.worker).toFixed(2)} s, workerd ${toMedian(seconds.workerd).toFixed(2)} s`,
  );
  return seconds;
}
