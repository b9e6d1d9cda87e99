// What the numbers were taken on.
import { availableParallelism, cpus, release, totalmem } from 'node:os';

export interface Machine {
  cores: number;
  processor: string;
  memoryGib: number;
  kernel: string;
  node: string;
}

export function describeMachine(): Machine {
  return {
    cores: availableParallelism(),
    processor: cpus()[0]?.model.trim() || 'unknown processor',
    memoryGib: Math.round(totalmem() / 2 ** 30),
    kernel: `${process.platform} ${release()}`,
    node: process.version,
  };
}

export function toMachineLine({ cores, processor, memoryGib, kernel, node }: Machine): string {
  return `${cores} cores (${processor}), ${memoryGib} GiB, ${kernel}, Node ${node}`;
}
