// Starts a real server as a private child: in its own temporary directory, under a guardian that ends it when this
// process ends, and ready when the server itself says so.
import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const guardian = fileURLToPath(new URL('guardian.sh', import.meta.url));

/** The end of a server's output that is kept, for the message when it does not start. */
const keptLog = 64 * 1024;

/** A server that is not ready after this long is given up; a cold disk is slow, a hang is forever. */
const startDeadline = 60_000;

const portAttempts = 5;

export interface SystemUser {
  uid: number;
  gid: number;
}

/**
 * Who a server that refuses root runs as: the first of these users that exists, or undefined (ourselves) when this
 * process is not root anyway.
 */
export function serverUser(...names: string[]): SystemUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const accounts = readFileSync('/etc/passwd', 'utf8').split('\n');
  for (const name of [...names, 'nobody']) {
    const [, , uid, gid] = accounts.find((line) => line.startsWith(`${name}:`))?.split(':') ?? [];
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new Error(`none of the users ${names.join(', ')} exists, and this server refuses to run as root`);
}

/** A private directory for one server; the guardian removes it. */
export class ServerDirectory {
  readonly path: string;
  readonly user: SystemUser | undefined;

  constructor(name: string, user?: SystemUser) {
    this.path = mkdtempSync(join(tmpdir(), `sallyport-${name}-`));
    this.user = user;
    if (user !== undefined) chownSync(this.path, user.uid, user.gid);
  }

  /** Writes a file that only the server's user can read, or with this mode, and returns its path. */
  write(name: string, content: string, mode = 0o600): string {
    const path = join(this.path, name);
    writeFileSync(path, content, { mode });
    chmodSync(path, mode);
    if (this.user !== undefined) chownSync(path, this.user.uid, this.user.gid);
    return path;
  }

  /** Makes a folder that belongs to the server's user, and returns its path. */
  makeFolder(name: string): string {
    const path = join(this.path, name);
    mkdirSync(path);
    if (this.user !== undefined) chownSync(path, this.user.uid, this.user.gid);
    return path;
  }

  /** Runs a program that fills the directory, as its user; removes the directory when that fails. */
  async prepare(command: string, parameters: readonly string[]): Promise<void> {
    try {
      await promisify(execFile)(command, parameters, {
        ...this.user,
        cwd: this.path,
        env: { ...process.env, TMPDIR: this.path },
      });
    } catch (error) {
      this.remove();
      throw error;
    }
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

export interface ProcessOptions {
  directory: ServerDirectory;
  command: string;
  arguments: readonly string[];
  /** Matches the server's output once it accepts connections. */
  ready: RegExp;
  /** The signal that makes it stop at once without waiting for its clients. Default `TERM`. */
  signal?: 'TERM' | 'INT' | 'QUIT' | 'KILL';
  /** Default: the directory's user. */
  user?: SystemUser | undefined;
}

/** The server did not start. `portTaken` says that another process got the port first. */
export class ServerStartError extends Error {
  readonly portTaken: boolean;

  constructor(message: string, log: string) {
    super(`${message}; its last output:\n${log.trimEnd()}`);
    this.name = 'ServerStartError';
    this.portTaken = /address already in use|address in use|EADDRINUSE|cannot bind/i.test(log);
  }
}

export class ServerProcess implements AsyncDisposable {
  readonly directory: string;
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  #log = '';

  constructor(child: ChildProcess, directory: string) {
    this.directory = directory;
    this.#child = child;
    this.#exited = new Promise((resolve) => child.once('close', () => resolve()));
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.on('data', (chunk: Buffer) => (this.#log = (this.#log + chunk.toString()).slice(-keptLog)));
    }
  }

  /** The guardian's process id, which is also the process group's. */
  get pid(): number {
    return this.#child.pid!;
  }

  /** The last 64 KiB the server wrote. */
  get log(): string {
    return this.#log;
  }

  /** Resolves when the server is gone, whoever ended it. */
  get exited(): Promise<void> {
    return this.#exited;
  }

  /** Ends the server, all it started, and its directory. */
  async stop(): Promise<void> {
    this.#child.stdin!.destroy();
    await this.#exited;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

export async function startProcess(options: ProcessOptions): Promise<ServerProcess> {
  const { directory, command, ready, signal = 'TERM' } = options;
  const user = 'user' in options ? options.user : directory.user;
  const child = spawn('sh', [guardian, directory.path, signal, command, ...options.arguments], {
    detached: true,
    cwd: directory.path,
    env: { PATH: process.env['PATH'], LC_ALL: 'C', HOME: directory.path, TMPDIR: directory.path },
    stdio: ['pipe', 'pipe', 'pipe'],
    ...user,
  });
  const server = new ServerProcess(child, directory.path);
  let timer: NodeJS.Timeout | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      const fail = (reason: string): void => reject(new ServerStartError(`${command} ${reason}`, server.log));
      const look = (): void => {
        if (ready.test(server.log)) resolve();
      };
      timer = setTimeout(() => fail(`was not ready after ${startDeadline / 1000} s`), startDeadline);
      child.once('error', reject);
      child.once('close', (code) => fail(`ended with code ${code}`));
      child.stdout.on('data', look);
      child.stderr.on('data', look);
    });
  } catch (error) {
    if (child.pid !== undefined) await server.stop();
    directory.remove();
    throw error;
  } finally {
    clearTimeout(timer);
  }
  return server;
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve, reject) => probe.once('error', reject).listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

/** Starts something that cannot pick a free port itself on one that was free a moment ago, again if it lost the race. */
export async function onFreePort<Started>(start: (port: number) => Promise<Started>): Promise<Started> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await start(await freePort());
    } catch (error) {
      const lostRace = error instanceof ServerStartError && error.portTaken;
      if (!lostRace || attempt === portAttempts) throw error;
    }
  }
}
