// Starts a program that cannot outlive us, not even when we are killed with SIGKILL.
//
// A shell forks a watcher and then *becomes* the program, so that pid, signals and exit code are the program's own. The
// watcher reads a pipe whose other end is ours alone: a line means that the program has ended by itself; the end of the
// pipe means that we died, and it kills the program. The program gets a process group of its own, because a terminal's
// Ctrl-C is for us to act on.
import { type ChildProcess, spawn } from 'node:child_process';
import type { Duplex, Readable } from 'node:stream';

const guard = '{ read -r _ <&4 || kill -9 $$; } >/dev/null 2>&1 3>&- & exec 4<&-; exec "$@"';

export interface ProcessExit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface GuardedProcess {
  pid: number | undefined;
  stdout: Readable;
  stderr: Readable;
  /** What the program writes to descriptor 3. */
  control: Readable;
  /** Settles when the program and its watcher are gone and their output has been read; rejects when it cannot start. */
  exited: Promise<ProcessExit>;
  kill(signal: NodeJS.Signals): void;
}

export interface GuardedProcessOptions {
  cwd: string;
  env: Record<string, string>;
}

function toExited(child: ChildProcess, pipe: Duplex): Promise<ProcessExit> {
  const watcherGone = new Promise<void>((resolve) => {
    pipe.once('close', resolve);
  });
  // The watcher may be gone before our line arrives.
  pipe.on('error', () => {});
  pipe.resume();
  child.once('exit', () => pipe.end('\n'));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      void watcherGone.then(() => resolve({ code, signal }));
    });
  });
}

/** Starts `command` with its standard input empty. */
export function startGuarded(command: readonly string[], { cwd, env }: GuardedProcessOptions): GuardedProcess {
  const child = spawn('/bin/sh', ['-c', guard, 'sallyport-guard', ...command], {
    cwd,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'],
  });
  const [, stdout, stderr, control, pipe] = child.stdio as [null, Readable, Readable, Readable, Duplex];
  return {
    pid: child.pid,
    stdout,
    stderr,
    control,
    exited: toExited(child, pipe),
    kill: (signal) => void child.kill(signal),
  };
}
