// How much of the machine others used while something was measured: a figure that was taken beside a busy neighbour says
// less, and the reader should know.
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

interface Reading {
  /** In clock ticks: of all processors together, of all that was not idle, and of this process and its descendants. */
  total: number;
  busy: number;
  own: number;
}

/** Starts watching; the function it returns gives the cores that others had on average since then. */
export function watchNeighbours(): () => number {
  const before = read();
  return () => {
    const after = read();
    const total = after.total - before.total;
    const others = after.busy - before.busy - (after.own - before.own);
    return total === 0 ? 0 : Math.max(0, (others / total) * availableParallelism());
  };
}

/** Cores that others may have while something is measured. */
const quiet = 0.3;
/** Milliseconds that one look takes. */
const look = 500;

/** Waits for a quiet machine, but in all no longer than it was given: then busy is how this machine is. */
export class Patience {
  #left: number;

  constructor(milliseconds: number) {
    this.#left = milliseconds;
  }

  async untilQuiet(): Promise<void> {
    for (let others = Infinity; others > quiet && this.#left > 0; this.#left -= others > quiet ? look : 0) {
      const neighbours = watchNeighbours();
      await sleep(look);
      others = neighbours();
    }
  }

  /** Runs something; again when others were busy meanwhile, as long as patience lasts. */
  async inQuiet<T>(work: () => Promise<T>): Promise<T> {
    for (;;) {
      const startedAt = performance.now();
      const neighbours = watchNeighbours();
      const result = await work();
      if (neighbours() <= quiet || this.#left <= 0) return result;
      this.#left -= performance.now() - startedAt;
      await this.untilQuiet();
    }
  }
}

function read(): Reading {
  const times = readFileSync('/proc/stat', 'utf8').split('\n')[0]!.split(/\s+/).slice(1, 9).map(Number);
  const total = times.reduce((sum, each) => sum + each, 0);
  return { total, busy: total - times[3]! - times[4]!, own: ownTicks() };
}

/** Ticks of this process, of its living descendants, and of those that ended and were waited for. */
function ownTicks(): number {
  const children = new Map<number, number[]>();
  const ticks = new Map<number, number>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      const fields = stat
        .slice(stat.lastIndexOf(')') + 2)
        .split(' ')
        .map(Number);
      children.set(fields[1]!, [...(children.get(fields[1]!) ?? []), Number(entry)]);
      ticks.set(
        Number(entry),
        fields.slice(11, 15).reduce((sum, each) => sum + each, 0),
      );
    } catch {
      // It ended while we looked.
    }
  }
  const sum = (pid: number): number =>
    (children.get(pid) ?? []).reduce((all, child) => all + sum(child), ticks.get(pid) ?? 0);
  return sum(process.pid);
}
