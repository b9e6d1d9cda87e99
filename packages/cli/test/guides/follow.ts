// Does what a page of docs/guide says, in a folder of its own: writes its files, runs its commands, compares what they
// print. Programs that stay (an edge, a connector, `sallyport dev`) run on until the test ends.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { modules, temporaryFolder } from '../../../edge/test/support/dev-bench.ts';
import { escapePattern, type GuideCommand, readGuide } from './page.ts';

const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

/** Commands that go on until they are ended. */
const stays = /^([A-Z_]+=\S+ )?sallyport (dev|edge|tunnel run)\b/;
/** Milliseconds in which a program has to print what the page shows. */
const patience = 30_000;

export interface FollowOptions {
  /** What stands in the page for something of this machine: ports, mostly. */
  replace?: Readonly<Record<string, string>>;
  /** Called before a command runs, for what the page asks of the world beside it. */
  before?: (command: string, folder: string) => Promise<void> | void;
}

export interface Followed {
  folder: string;
  /** What every command printed, by the command. */
  printed: Map<string, string>;
}

export async function followGuide(t: TestContext, page: string, options: FollowOptions = {}): Promise<Followed> {
  const { replace, before } = options;
  const folder = await temporaryFolder(t);
  const shell = await createShell(t, folder);
  const printed = new Map<string, string>();
  for (const step of await readGuide(page, replace)) {
    if (step.kind === 'file') {
      await writeProjectFile(join(folder, step.name), step.text);
      continue;
    }
    if (step.kind === 'interrupt') {
      await shell.interrupt();
      continue;
    }
    await before?.(step.command, folder);
    printed.set(step.command, stays.test(step.command) ? await shell.start(step) : await shell.run(step));
  }
  return { folder, printed };
}

async function writeProjectFile(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}

/** Whether the lines are in the text, in this order. */
export function holds(text: string, lines: readonly string[]): boolean {
  const pattern = lines.map((line) => line.trimEnd().split('…').map(escapePattern).join('.*')).join('[^]*?');
  return new RegExp(pattern).test(text);
}

interface Shell {
  run(command: GuideCommand): Promise<string>;
  start(command: GuideCommand): Promise<string>;
  /** Ctrl-C for the program that was started last; resolves when it has ended. */
  interrupt(): Promise<void>;
}

async function createShell(t: TestContext, folder: string): Promise<Shell> {
  const bin = join(folder, '.bin');
  await mkdir(bin);
  await writeFile(join(bin, 'sallyport'), `#!/bin/sh\nexec "${process.execPath}" "${main}" "$@"\n`);
  await chmod(join(bin, 'sallyport'), 0o755);
  await symlink(modules, join(folder, 'node_modules'));
  const env = { PATH: `${bin}:${process.env['PATH']}`, HOME: folder, TMPDIR: folder };
  const spawned = (command: string): { child: ChildProcess; said: { text: string }; closed: Promise<unknown> } => {
    const child = spawn('bash', ['-c', stays.test(command) ? `exec env ${command}` : command], {
      cwd: folder,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const said = { text: '' };
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.setEncoding('utf8').on('data', (chunk: string) => {
        said.text += chunk;
        child.emit('said');
      });
    }
    return { child, said, closed: once(child, 'close') };
  };
  const running: { child: ChildProcess; closed: Promise<unknown> }[] = [];
  return {
    async interrupt() {
      const { child, closed } = running.pop()!;
      child.kill('SIGINT');
      await closed;
    },
    async run({ command, prints }) {
      const { child, said, closed } = spawned(command);
      await closed;
      assert.ok(holds(said.text, prints), `$ ${command}\nprinted\n${said.text}\ninstead of\n${prints.join('\n')}`);
      if (prints.length === 0) assert.equal(child.exitCode, 0, `$ ${command}\n${said.text}`);
      return said.text;
    },
    async start({ command, prints }) {
      const { child, said, closed } = spawned(command);
      running.push({ child, closed });
      t.after(async () => {
        child.kill();
        await closed;
      });
      const signal = AbortSignal.timeout(patience);
      while (!holds(said.text, prints)) {
        assert.equal(child.exitCode, null, `$ ${command}\n${said.text}`);
        await Promise.race([once(child, 'said', { signal }), closed]).catch(() => {
          throw new Error(`$ ${command}\nprinted\n${said.text}\ninstead of\n${prints.join('\n')}`);
        });
      }
      return said.text;
    },
  };
}

/** What a file of the folder holds now. */
export function readProjectFile({ folder }: Followed, name: string): Promise<string> {
  return readFile(join(folder, name), 'utf8');
}
