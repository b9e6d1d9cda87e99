// `npm test`: check, build, servers, then every test file with node:test. `npm test -- --help` says what it takes.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { nodeBinary } from '../packages/testkit/src/node-versions.ts';
import { withoutVariable } from '../packages/testkit/src/servers/available.ts';
import { provideServers } from './servers.ts';
import { help, parseTestOptions } from './test-options.ts';
import type { TestOptions } from './test-options.ts';

/** No test file may take longer, in milliseconds: a hang ends as a failure that names the file. */
const fileTimeout = 300_000;

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Runs a command in a process group of its own, so that an interrupt ends what it started as well. */
async function runCommand(file: string, parameters: string[], env: NodeJS.ProcessEnv = {}): Promise<boolean> {
  const child: ChildProcess = spawn(file, parameters, {
    stdio: ['ignore', 'inherit', 'inherit'],
    detached: true,
    env: { ...process.env, ...env },
  });
  const interrupt = (signal: NodeJS.Signals): void => {
    if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid!, signal);
    process.exitCode = 130;
  };
  for (const signal of signals) process.on(signal, interrupt);
  const ok = await new Promise<boolean>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code === 0));
  });
  for (const signal of signals) process.off(signal, interrupt);
  return ok;
}

function testFiles({ patterns }: TestOptions): string[] {
  const roots = [
    ...readdirSync('packages').map((name) => join('packages', name, 'test')),
    'examples',
    'conformance',
    'tools',
  ];
  const files = roots.filter((root) => existsSync(root)).flatMap((root) => filesBelow(root));
  return files.filter((file) => patterns.length === 0 || patterns.some((pattern) => file.includes(pattern))).sort();
}

function filesBelow(root: string): string[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.test.ts') && !/(^|\/)(node_modules|fixtures)\//.test(path))
    .map((path) => join(root, path));
}

/** Runs the files on this Node and on the others asked for; says which failed. */
async function runSuite(files: string[], options: TestOptions): Promise<boolean> {
  const flags = [
    '--test',
    '--test-reporter=spec',
    `--test-concurrency=${Math.max(2, availableParallelism())}`,
    `--test-timeout=${fileTimeout}`,
  ];
  const binaries = [process.execPath, ...(await Promise.all(options.node.map((version) => nodeBinary(version))))];
  const failed: string[] = [];
  for (const [index, binary] of binaries.entries()) {
    const name = index === 0 ? process.versions.node : options.node[index - 1]!;
    if (binaries.length > 1) console.log(`\n== ${files.length} test files on Node ${name}`);
    const env = { [withoutVariable]: options.without.join(',') };
    // run.mjs finds the flags under which that Node runs our sources.
    if (!(await runCommand(binary, ['tools/run.mjs', ...flags, ...files], env))) failed.push(name);
    if (process.exitCode === 130) return false;
  }
  if (binaries.length > 1 && failed.length > 0) console.log(`\nFailed on Node ${failed.join(', ')}`);
  return failed.length === 0;
}

async function main(options: TestOptions): Promise<boolean> {
  const everything = options.patterns.length === 0;
  const files = testFiles(options);
  if (files.length === 0) {
    console.error(`No test file has ${options.patterns.map((pattern) => `'${pattern}'`).join(' or ')} in its path.`);
    return false;
  }
  if (everything) {
    if (!(await runCommand(process.execPath, ['tools/run.mjs', 'tools/check.ts']))) return false;
    const problem = await provideServers(options.without);
    if (problem !== undefined) {
      console.error(`\n${problem}`);
      return false;
    }
  }
  const built = await runCommand('npm', ['run', '--silent', 'build']);
  if (!built && everything) return false;
  if (!built) console.error('\nThe build failed; tests of the built command use an older one, or fail.\n');
  const ok = await runSuite(files, options);
  if (options.without.length > 0) {
    console.log(`\nLeft out, and the tests that need them skipped: ${options.without.join(', ')}`);
  }
  return ok;
}

try {
  const options = parseTestOptions(process.argv.slice(2));
  if (options.help) console.log(help);
  else if (!(await main(options))) process.exitCode ??= 1;
} catch (error) {
  console.error(`${(error as Error).message}\nnpm test -- --help says what there is.`);
  process.exitCode = 1;
}
