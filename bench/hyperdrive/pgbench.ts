// One run of pgbench, and what it says.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { serverProgram } from '../../packages/testkit/src/servers/available.ts';
import type { Door } from './programs/clients.ts';

const run = promisify(execFile);

/** `tpcb` writes; the others select one account by its key. */
export type Script = 'select' | 'tpcb' | { file: string };
export type Protocol = 'simple' | 'extended' | 'prepared';

export interface PgbenchOptions {
  script: Script;
  protocol: Protocol;
  clients: number;
  seconds: number;
  /** A connection for each transaction. */
  connects?: boolean;
}

function environment(door: Door): NodeJS.ProcessEnv {
  // What the binding's connection string says: no TLS, so no round trip to ask for it.
  return { ...process.env, PGPASSWORD: door.password, PGSSLMODE: 'disable', PGGSSENCMODE: 'disable' };
}

function toAddress({ port, user }: Door): string[] {
  return ['-h', '127.0.0.1', '-p', String(port), '-U', user];
}

/** Makes the tables. */
export async function prepareTables(door: Door, scale: number): Promise<void> {
  const parameters = ['-i', '-q', '-s', String(scale), ...toAddress(door), door.database];
  await run(serverProgram('postgres', 'pgbench'), parameters, { env: environment(door) });
}

/** The longest run, in seconds, for a machine on which logging in takes most of one. */
const longestRun = 60;

/** Transactions a second. Rejects when any of them failed. */
export async function runPgbench(door: Door, options: PgbenchOptions): Promise<number> {
  const { script, protocol, clients, seconds, connects = false } = options;
  const scripts = typeof script === 'object' ? ['-f', script.file] : script === 'select' ? ['-S'] : [];
  const load = ['-M', protocol, '-c', String(clients), '-T', String(seconds), ...(connects ? ['-C'] : [])];
  const parameters = ['-n', ...scripts, ...load, ...toAddress(door), door.database];
  const { stdout, stderr } = await run(serverProgram('postgres', 'pgbench'), parameters, {
    env: environment(door),
    timeout: (seconds + 60) * 1000,
  });
  // Its time runs from before the clients log in.
  const isTooShort = /^number of transactions actually processed: 0$/m.test(stdout) && seconds < longestRun;
  if (isTooShort) return runPgbench(door, { ...options, seconds: seconds * 2 });
  const rate = /^tps = ([\d.]+)/m.exec(stdout)?.[1];
  const failed = /^number of failed transactions: (\d+)/m.exec(stdout)?.[1];
  if (rate === undefined || failed !== '0' || stderr.includes('aborted')) {
    throw new Error(`pgbench ${parameters.join(' ')}: ${stdout}${stderr}`);
  }
  return Number(rate);
}
