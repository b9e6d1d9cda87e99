// The built `sallyport` command as its own process, ended with the test.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { config, type Files, temporaryFolder, writeFiles } from '../../../edge/test/support/dev-bench.ts';
import { Recorder } from '../../../edge/test/support/recorder.ts';

const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const modules = fileURLToPath(new URL('../../../../node_modules', import.meta.url));

export interface Outcome {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

interface Settings {
  cwd?: string;
  env?: Record<string, string>;
  /** What it reads from standard input. */
  input?: string;
}

/** Starts the command. */
export function start(
  args: readonly string[],
  { cwd, env = {}, input }: Settings,
): { child: ChildProcess; outcome: Promise<Outcome> } {
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(process.execPath, [main, ...args], {
    cwd,
    env: { PATH, HOME, ...env },
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  });
  child.stdin?.end(input);
  const said = { stdout: '', stderr: '' };
  child.stdout!.setEncoding('utf8').on('data', (chunk: string) => (said.stdout += chunk));
  child.stderr!.setEncoding('utf8').on('data', (chunk: string) => (said.stderr += chunk));
  const outcome = once(child, 'close').then(([code, signal]): Outcome => ({ code, signal, ...said }));
  return { child, outcome };
}

/** Runs the command to its end. */
export function run(args: readonly string[], settings: Settings = {}): Promise<Outcome> {
  return start(args, settings).outcome;
}

export type Line = { kind: string } & Record<string, unknown>;

export interface RunningDev {
  child: ChildProcess;
  outcome: Promise<Outcome>;
  folder: string;
  /** Its TMPDIR, empty but for what it leaves. */
  temporary: string;
  lines: Recorder<Line>;
  url: string;
  text(path?: string): Promise<string>;
  /** The next line of this kind that nobody took yet. */
  next(kind: string): Promise<Line>;
}

export async function createProject(t: TestContext, files: Files | string): Promise<string> {
  const folder = await temporaryFolder(t);
  const sources = typeof files === 'string' ? { 'src/index.js': files } : files;
  await writeFiles(folder, { 'wrangler.json': config(), ...sources });
  await symlink(modules, join(folder, 'node_modules'));
  return folder;
}

/** Starts `sallyport dev --json` on a free port and waits until it says where. */
export async function startDev(
  t: TestContext,
  files: Files | string,
  { args = [], env = {}, temporary }: { args?: string[]; env?: Record<string, string>; temporary?: string } = {},
): Promise<RunningDev> {
  const folder = await createProject(t, files);
  const parent = temporary ?? (await temporaryFolder(t));
  const { child, outcome } = start(['dev', '--json', '--port', '0', ...args], {
    cwd: folder,
    env: { TMPDIR: parent, ...env },
  });
  t.after(() => {
    child.kill('SIGKILL');
    return outcome.then(() => {});
  });
  const lines = new Recorder<Line>();
  createInterface({ input: child.stdout! }).on('line', (line) => lines.add(JSON.parse(line) as Line));
  const next = (kind: string): Promise<Line> => lines.next((line) => line.kind === kind);
  const ended = outcome.then(({ code, stderr }) => {
    throw new Error(`sallyport dev ended with code ${code} before it listened: ${stderr}`);
  });
  ended.catch(() => {});
  const { url } = (await Promise.race([next('listening'), ended])) as unknown as { url: string };
  return {
    child,
    outcome,
    folder,
    temporary: parent,
    lines,
    url,
    next,
    async text(path = '/') {
      return (await fetch(url + path)).text();
    },
  };
}
