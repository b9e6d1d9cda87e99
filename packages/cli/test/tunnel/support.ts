// An edge for a connector that runs as a process of its own.
import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { testAuthority, use } from '@sallyport/testkit';
import {
  edgeServerName,
  encodeToken,
  toCredentialsFile,
  type TunnelCredentials,
  TunnelListener,
} from '@sallyport/tunnel';
import { Recorder } from '../../../edge/test/support/recorder.ts';
import { type Outcome, start } from '../support/run.ts';

export const tunnelId = '6ff42ae2-765d-4adf-8112-31c55c1551ef';

export interface Bench {
  edge: TunnelListener;
  credentials: TunnelCredentials;
  token: string;
  /** A folder of its own, which is also the connector's home. */
  home: string;
  /** The credentials file in it. */
  file: string;
}

export async function createBench(t: TestContext): Promise<Bench> {
  const authority = await testAuthority();
  const secret = Buffer.alloc(32, 7);
  const certificate = await authority.issue('good', { names: [edgeServerName] });
  const edge = await use(
    t,
    new TunnelListener({
      ...certificate,
      findSecret: (id) => Promise.resolve(id === tunnelId ? secret : undefined),
    }).listen(),
  );
  const edges = [`127.0.0.1:${edge.port}`];
  const credentials = { accountTag: 'acc', tunnelId, tunnelName: 'home', secret, ca: authority.ca, edges };
  const home = await mkdtemp(join(tmpdir(), 'sallyport-'));
  t.after(() => rm(home, { recursive: true, force: true }));
  const file = join(home, 'credentials.json');
  await writeFile(file, toCredentialsFile(credentials), { mode: 0o600 });
  return { edge, credentials, token: encodeToken(credentials), home, file };
}

export interface Line {
  level: string;
  message: string;
  [field: string]: unknown;
}

export interface RunningConnector {
  child: ChildProcess;
  outcome: Promise<Outcome>;
  log: Recorder<Line>;
  /** The next line with this message that nobody took yet; an end of the process is an error. */
  says(message: string): Promise<Line>;
}

/** Starts `sallyport tunnel run --json` with metrics on a free port. */
export function startRun(
  t: TestContext,
  args: readonly string[],
  { home, env = {} }: { home: string; env?: Record<string, string> },
): RunningConnector {
  const all = ['tunnel', 'run', '--json', '--metrics', '127.0.0.1:0', ...args];
  const { child, outcome } = start(all, { cwd: home, env: { HOME: home, ...env } });
  t.after(() => {
    child.kill('SIGKILL');
    return outcome.then(() => {});
  });
  const log = new Recorder<Line>();
  createInterface({ input: child.stderr! }).on('line', (line) => {
    if (line.startsWith('{')) log.add(JSON.parse(line) as Line);
  });
  const ended = outcome.then(({ code, stderr }) => {
    throw new Error(`the connector ended with code ${code}: ${stderr}`);
  });
  ended.catch(() => {});
  const says = (message: string): Promise<Line> =>
    Promise.race([log.next((line) => line.message.startsWith(message)), ended]);
  return { child, outcome, log, says };
}

export const registered = 'Registered tunnel connection';
