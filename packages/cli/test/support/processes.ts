// Which processes there are.
import { readdir, readFile } from 'node:fs/promises';

/** Milliseconds a process that must end gets to do so. */
const patience = 5_000;

/** Process ids of the children of a process, with their command lines. */
export async function childrenOf(parent: number): Promise<{ pid: number; command: string }[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
      const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      return { pid: Number(pid), parent: Number(status.slice(status.lastIndexOf(')')).split(' ')[2]), command };
    }),
  );
  return found.filter((each) => each.parent === parent);
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Resolves when none of them is left; rejects when one stays. The system has no event for another's child. */
export async function untilGone(pids: readonly number[]): Promise<void> {
  const deadline = performance.now() + patience;
  while (pids.some((pid) => isAlive(pid))) {
    if (performance.now() > deadline) throw new Error(`still alive: ${pids.filter((pid) => isAlive(pid)).join()}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
