// Opens and closes sockets in every way there is, and prints what is left of them. Run with --expose-gc.
import { leftOpenBy, startPeer, startRefusing } from '@sallyport/testkit';
import { connect, type Socket, withInvocation } from '../../src/index.ts';
import { hear, say } from './sockets.ts';

const cycles = 2_000;
const echo = await startPeer('echo');
const refusing = await startRefusing();
const signal = new AbortController().signal;
const refs: WeakRef<Socket>[] = [];

const ways: ((keep: (socket: Socket) => Socket) => Promise<unknown>)[] = [
  async (keep) => {
    const socket = keep(connect(echo.address, { signal }));
    await say(socket, 'x');
    await hear(socket);
    await socket.close();
  },
  async (keep) => {
    const socket = keep(connect(echo.address));
    await socket.writable.close();
    await hear(socket);
    await socket.closed;
  },
  (keep) => keep(connect(echo.address, { signal })).close(),
  (keep) => keep(connect(refusing.address, { signal })).closed.catch(() => {}),
  (keep) => keep(connect(echo.address, { secureTransport: 'starttls' }).startTls()).close(),
];

const handles = await leftOpenBy(async () => {
  await withInvocation(async () => {
    for (let cycle = 0; cycle < cycles; cycle += 1) {
      await ways[cycle % ways.length]!((socket) => {
        refs.push(new WeakRef(socket));
        return socket;
      });
    }
  });
  while (echo.open.length > 0) await new Promise((resolve) => setImmediate(resolve));
});

for (let round = 0; round < 10; round += 1) {
  await new Promise((resolve) => setImmediate(resolve));
  (globalThis as unknown as { gc: () => void }).gc();
}
const retained = refs.filter((ref) => ref.deref() !== undefined).length;
process.stdout.write(JSON.stringify({ cycles, handles, retained }));
await Promise.all([echo.close(), refusing.close()]);
