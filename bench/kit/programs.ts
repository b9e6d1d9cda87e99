// The programs of a bench, built to plain JavaScript: a loader that strips types at run time would be measured, too.
import { resolve } from 'node:path';
import { build } from 'esbuild';
import { type Child, startChild } from './child.ts';
import { cacheFolder } from './runtimes.ts';

/** A program that takes orders (`orders.ts`). */
export interface Program extends AsyncDisposable {
  readonly name: string;
  readonly pid: number;
  /** Its next line. */
  next<T>(): Promise<T>;
  /** Gives it one piece of work, and returns what it answers. Rejects when it went wrong. */
  ask<T = object>(work: string, order?: object): Promise<T>;
  /** Ends it as a power cut does. */
  kill(): void;
}

export interface Started<T> extends AsyncDisposable {
  readonly program: Program;
  /** The line it said first. */
  readonly hello: T;
}

export interface ProgramSet<Name extends string> {
  /** Packages stay imports, and resolve to what their users get: `dist`. */
  build(): Promise<void>;
  /** Starts a program and waits for its first line. */
  start<T>(name: Name, setup?: object): Promise<Started<T>>;
}

/** The programs in `bench/<bench>/programs`. */
export function definePrograms<Name extends string>(bench: string, names: readonly Name[]): ProgramSet<Name> {
  const folder = `${cacheFolder}/${bench}`;
  return {
    build: async () => {
      await build({
        entryPoints: names.map((name) => `bench/${bench}/programs/${name}.ts`),
        outdir: folder,
        entryNames: '[name]',
        outExtension: { '.js': '.mjs' },
        bundle: true,
        packages: 'external',
        platform: 'node',
        format: 'esm',
        target: 'node20',
        logLevel: 'error',
      });
    },
    start: async <T>(name: Name, setup: object = {}): Promise<Started<T>> => {
      const flags = process.env['BENCH_NODE_FLAGS']?.split(' ') ?? [];
      const child = startChild([process.execPath, ...flags, resolve(folder, `${name}.mjs`), JSON.stringify(setup)]);
      const program = toProgram(name, child);
      return { program, hello: await program.next<T>(), [Symbol.asyncDispose]: () => child.close() };
    },
  };
}

function toProgram(name: string, child: Child): Program {
  const next = async <T>(): Promise<T> => {
    const answer = JSON.parse(await child.nextLine()) as T & { error?: string };
    if (answer.error !== undefined) throw new Error(`${name}: ${answer.error}`);
    return answer;
  };
  return {
    name,
    pid: child.pid,
    next,
    ask: (work, order = {}) => {
      child.send(JSON.stringify({ ...order, work }));
      return next();
    },
    kill: () => void process.kill(child.pid, 'SIGKILL'),
    [Symbol.asyncDispose]: () => child.close(),
  };
}
