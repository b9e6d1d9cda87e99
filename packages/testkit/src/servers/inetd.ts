// Serves with programs that expect to be started for each connection, with it as their standard input and output, as
// inetd does it. The listener is this process's own, so there is no port to lose and no readiness to wait for.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { ServerDirectory } from './process.ts';
import type { RunningServer } from './server.ts';

/** The end of the programs' output that is kept. */
const keptLog = 64 * 1024;
/** Connections served at once; more are refused. */
const maxConnections = 100;

export interface InetdOptions {
  directory: ServerDirectory;
  command: string;
  arguments: readonly string[];
}

export async function startInetd(options: InetdOptions): Promise<RunningServer> {
  const { directory, command } = options;
  const children = new Set<ChildProcess>();
  let log = '';
  const serve = (socket: Socket): void => {
    const child = spawn(command, options.arguments, {
      cwd: directory.path,
      env: { PATH: process.env['PATH'], LC_ALL: 'C', HOME: directory.path, TMPDIR: directory.path },
      stdio: [socket, socket, 'pipe'],
      ...directory.user,
    });
    children.add(child);
    child.stderr!.on('data', (text: Buffer) => (log = (log + text.toString()).slice(-keptLog)));
    child.once('error', (error) => (log += error.message));
    child.once('close', () => children.delete(child));
    // The child's copy alone decides when the connection ends.
    socket.destroy();
  };
  const listener = createServer({ pauseOnConnect: true, allowHalfOpen: true }, serve);
  listener.maxConnections = maxConnections;
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');

  let stopping: Promise<void> | undefined;
  const end = async (): Promise<void> => {
    const closed = new Promise((resolve) => listener.close(resolve));
    const ended = [...children].map((child) => once(child, 'close'));
    for (const child of children) child.kill('SIGKILL');
    await Promise.all([closed, ...ended]);
    directory.remove();
  };
  const stop = (): Promise<void> => (stopping ??= end());
  return {
    host: '127.0.0.1',
    port: (listener.address() as AddressInfo).port,
    directory: directory.path,
    get log() {
      return log;
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
