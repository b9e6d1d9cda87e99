// Serves with programs that expect to be started for each connection, with it as their standard input and output, as
// inetd does it. A process of its own does that, under the guardian, so that it and they end with this process.
import { fileURLToPath } from 'node:url';
import { type ServerDirectory, startProcess } from './process.ts';
import { type RunningServer, toRunning } from './server.ts';

const main = fileURLToPath(new URL('inetd-main.mjs', import.meta.url));
const listening = /inetd listens on (\d+)\n/;

export interface InetdOptions {
  directory: ServerDirectory;
  command: string;
  arguments: readonly string[];
}

export async function startInetd(options: InetdOptions): Promise<RunningServer> {
  const { directory, command } = options;
  const server = await startProcess({
    directory,
    command: process.execPath,
    arguments: [main, JSON.stringify({ command, arguments: options.arguments, user: directory.user })],
    ready: listening,
    // Ourselves: the programs run as the directory's user, who may not be allowed to run our Node.
    user: undefined,
  });
  return toRunning<object>(server, { port: Number(listening.exec(server.log)![1]) });
}
