// Child processes that die with the bench, however it dies: a shell forks a watcher that kills the program when the pipe
// to us breaks, and then becomes the program, so the pid is the program's own.
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Writable } from 'node:stream';

const guard = '{ read -r _ <&3 || kill -9 $$; } >/dev/null 2>&1 & exec 3<&-; exec "$@"';

export interface ChildOptions {
  cwd?: string;
  env?: Record<string, string>;
}

export interface Child extends AsyncDisposable {
  readonly pid: number;
  /** Resolves when the child has ended, with how it ended and the end of what it printed. */
  readonly ended: Promise<Error>;
  /** Sends one line to the child's standard input. */
  send(line: string): void;
  /** The next line of its standard output. Rejects when the child ends instead, with the end of what it printed. */
  nextLine(): Promise<string>;
  close(): Promise<void>;
}

/** The end of a child's output that is kept for the message when it dies. */
const keptOutput = 4_096;
/** Milliseconds without a line after which a child counts as hanging. */
const deadline = 180_000;

export function startChild(command: readonly string[], { cwd, env = {} }: ChildOptions = {}): Child {
  const child: ChildProcess = spawn('/bin/sh', ['-c', guard, 'bench-guard', ...command], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
  });
  const lines: string[] = [];
  const readers: { resolve: (line: string) => void; reject: (error: Error) => void }[] = [];
  let output = '';
  let ended: Error | undefined;
  const keep = (text: string): void => {
    output = (output + text).slice(-keptOutput);
  };
  const closed = new Promise<Error>((resolve) => {
    const onEnd = (reason: string): void => {
      ended = new Error(`${command.slice(0, 3).join(' ')}: ${reason}\n${output}`);
      for (const { reject } of readers.splice(0)) reject(ended);
      resolve(ended);
    };
    child.once('error', (error) => onEnd(error.message));
    // The watcher holds the pipe until it reads a line.
    child.once('exit', () => (child.stdio[3] as Writable).end('\n'));
    child.once('close', (code, signal) => onEnd(`ended with ${signal ?? code}`));
  });
  child.stderr!.on('data', (chunk: Buffer) => keep(chunk.toString()));
  createInterface({ input: child.stdout! }).on('line', (line) => {
    keep(`${line}\n`);
    const reader = readers.shift();
    if (reader === undefined) lines.push(line);
    else reader.resolve(line);
  });
  for (const pipe of [child.stdin, child.stdio[3]]) pipe?.on('error', () => {});
  const close = (): Promise<void> => {
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), 3_000);
    return closed.then(() => clearTimeout(timer));
  };
  return {
    pid: child.pid ?? 0,
    ended: closed,
    send: (line) => void child.stdin!.write(`${line}\n`),
    nextLine: () => {
      const line = lines.shift();
      if (line !== undefined) return Promise.resolve(line);
      if (ended !== undefined) return Promise.reject(ended);
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`${command.join(' ')}: no line for ${deadline} ms`)), deadline);
        const settled = (): void => clearTimeout(timer);
        readers.push({
          resolve: (value) => resolve((settled(), value)),
          reject: (error) => reject((settled(), error)),
        });
      });
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
