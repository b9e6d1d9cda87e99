// Resident memory of processes, as the kernel counts it.
import { readdirSync, readFileSync } from 'node:fs';

/** Resident set in MiB. */
export function toRss(pid: number): number {
  const kibibytes = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kibibytes) / 1024;
}

/** Resident memory before, and the highest seen while something runs and when it is over. */
export interface Growth {
  before: number;
  peak: number;
}

export async function watchRss<T>(pid: number, work: () => Promise<T>): Promise<Growth & { result: T }> {
  const before = toRss(pid);
  let peak = before;
  const sampling = setInterval(() => {
    peak = Math.max(peak, toRss(pid));
  }, 20);
  try {
    const result = await work();
    return { result, before, peak: Math.max(peak, toRss(pid)) };
  } finally {
    clearInterval(sampling);
  }
}

/** A descendant of a process by the name of its program; undefined when there is none. */
export function findDescendant(pid: number, name: string): number | undefined {
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      const [, command, rest = ''] = /^\d+ \((.*)\) (.*)$/s.exec(stat) ?? [];
      const parent = Number(rest.split(' ')[1]);
      if (command === name && (parent === pid || isUnder(parent, pid))) return Number(entry);
    } catch {
      // It ended while we looked.
    }
  }
  return undefined;
}

function isUnder(pid: number, ancestor: number): boolean {
  for (let current = pid; current > 1;) {
    if (current === ancestor) return true;
    const stat = readFileSync(`/proc/${current}/stat`, 'utf8');
    current = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  }
  return false;
}
