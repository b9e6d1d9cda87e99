// An address that answers no SYN: a listener in a stopped process whose queue of connections is full. The kernel drops
// what comes next, so connecting neither succeeds nor fails.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { PeerAddress } from '../guest/context.ts';

const listener = `
  const server = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
    process.send(server.address().port);
  });
`;

/** More than the kernel queues for a backlog of 1. */
const fillers = 4;

export interface BlackHole extends AsyncDisposable {
  address: PeerAddress;
}

export async function startBlackHole(): Promise<BlackHole> {
  const child = spawn(process.execPath, ['-e', listener], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const [port] = (await once(child, 'message')) as [number];
  child.kill('SIGSTOP');
  const sockets: Socket[] = [];
  // The first connections fill the queue; when one of them is not answered, the queue is full.
  for (let index = 0; index < fillers; index += 1) {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    sockets.push(socket);
  }
  await once(sockets[0]!, 'connect');
  return {
    address: { host: '127.0.0.1', port, address: `127.0.0.1:${port}` },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    },
  };
}
