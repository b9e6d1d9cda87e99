// What every measurement needs: how much to do, how often, where the servers are, and where the raw runs go.
import type { PeerPorts } from './peer-ports.ts';
import type { Plan } from './plan.ts';
import type { Executables } from './subjects.ts';

export interface Context {
  plan: Plan;
  runs: number;
  ports: PeerPorts;
  executables: Executables;
  /** Whether the command line asks for this measurement. */
  wants(name: string): boolean;
  /** Everything that was measured, by the measurement's name, for the results file. */
  raw: Record<string, unknown>;
}
