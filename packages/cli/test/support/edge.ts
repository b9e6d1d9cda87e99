// `sallyport edge` and `sallyport tunnel run` as processes, ended with the test.
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { temporaryFolder, writeFiles } from '../../../edge/test/support/dev-bench.ts';
import { Recorder } from '../../../edge/test/support/recorder.ts';
import { type Line, type Outcome, run, start } from './run.ts';

export interface RunningEdge {
  child: ChildProcess;
  outcome: Promise<Outcome>;
  lines: Recorder<Line>;
  url: string;
  folder: string;
  state: string;
  /** Runs a command against this edge. */
  sallyport(...args: string[]): Promise<Outcome>;
}

export async function startEdge(t: TestContext, toml = '', files = {}): Promise<RunningEdge> {
  const folder = await temporaryFolder(t);
  const state = join(folder, 'state');
  const listeners = `state = "state"
http.address = "127.0.0.1:0"
tunnel.address = "127.0.0.1:0"
control.address = "127.0.0.1:0"
`;
  await writeFiles(folder, { 'sallyport.toml': `${listeners}${toml}`, ...files });
  const { child, outcome } = start(['edge', '--json', '--grace-period', '5'], { cwd: folder, env: { HOME: folder } });
  t.after(() => {
    child.kill('SIGKILL');
    return outcome.then(() => {});
  });
  const lines = new Recorder<Line>();
  createInterface({ input: child.stdout! }).on('line', (line) => lines.add(JSON.parse(line) as Line));
  const ended = outcome.then(({ stderr, stdout }) => {
    throw new Error(`sallyport edge ended: ${stderr}${stdout}`);
  });
  ended.catch(() => {});
  const { url } = (await Promise.race([lines.next((line) => line.kind === 'listening'), ended])) as unknown as Line & {
    url: string;
  };
  const sallyport = (...args: string[]): Promise<Outcome> => run(args, { cwd: folder, env: { HOME: folder } });
  return { child, outcome, lines, url, folder, state, sallyport };
}

export async function ok(outcome: Promise<Outcome>): Promise<string> {
  const { code, stdout, stderr } = await outcome;
  assert.equal(code, 0, stderr);
  return stdout;
}

/** Runs a connector with the text of a config.yml until the test ends; resolves when the edge has its link. */
export async function startConnector(t: TestContext, edge: RunningEdge, yaml: string): Promise<ChildProcess> {
  const token = (await ok(edge.sallyport('tunnel', 'token', 'office'))).trim();
  const file = join(edge.folder, 'config.yml');
  await writeFile(file, yaml);
  const args = ['tunnel', 'run', '--config', file, '--ha-connections', '1', '--metrics', '127.0.0.1:0'];
  const { child, outcome } = start(args, { cwd: edge.folder, env: { HOME: edge.folder, TUNNEL_TOKEN: token } });
  t.after(() => {
    child.kill('SIGKILL');
    return outcome.then(() => {});
  });
  const failed = outcome.then(({ stderr }) => Promise.reject(new Error(`sallyport tunnel run ended: ${stderr}`)));
  failed.catch(() => {});
  await Promise.race([edge.lines.next((line) => line.kind === 'link-registered'), failed]);
  return child;
}
