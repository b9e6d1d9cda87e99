// Clients that do little: thousands that are idle, and one that reads slowly. They log in with a cleartext password.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { toPassword, toQuery, toStartupMessage } from '@sallyport/postgres-wire';
import { type Answer, print, serveOrders } from '../../kit/orders.ts';

export interface Door {
  port: number;
  user: string;
  password: string;
  database: string;
}

export interface IdleOrder extends Door {
  count: number;
}

export interface SlowOrder extends Door {
  query: string;
  /** Bytes a second. */
  rate: number;
}

/** How many log in at a time: what is measured is how they idle, not how they come. */
const concurrency = 64;
/** A reader's pause, in milliseconds. */
const pause = 10;

const ready = Buffer.from('Z\0\0\0\x05I', 'latin1');
const idle: Socket[] = [];

/** Resolves when the server is ready for a query; what came before is dropped. */
function untilReady(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    let tail = Buffer.alloc(0);
    const settle = (error?: Error): void => {
      socket.off('data', onData).off('close', onClose);
      if (error === undefined) resolve();
      else reject(error);
    };
    const onData = (chunk: Buffer): void => {
      tail = Buffer.concat([tail, chunk]).subarray(-ready.length);
      if (tail.equals(ready)) settle();
    };
    const onClose = (): void => settle(new Error('the server ended the connection'));
    socket.on('data', onData).on('close', onClose);
  });
}

async function login({ port, user, password, database }: Door): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.write(toStartupMessage({ user, database }));
  // The password is asked for, whatever else is said: the one answer is not worth a parser.
  await once(socket, 'data');
  const isIn = untilReady(socket);
  socket.write(toPassword(password));
  await isIn;
  return socket;
}

async function ask(socket: Socket, query: string): Promise<void> {
  const answered = untilReady(socket);
  socket.write(toQuery(query));
  await answered;
}

/** Logs clients in, each of which asks one query and then nothing any more. */
async function openIdle({ count, ...door }: IdleOrder): Promise<{ open: number }> {
  let left = count;
  const one = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const socket = await login(door);
      await ask(socket, 'select 1');
      idle.push(socket);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, one));
  return { open: idle.length };
}

async function closeIdle(): Promise<Answer> {
  const sockets = idle.splice(0);
  await Promise.all(
    sockets.map((socket) => {
      const closed = once(socket, 'close');
      socket.destroy();
      return closed;
    }),
  );
  return {};
}

let reading: Socket | undefined;

/** Logs in and asks something small: what follows is measured against the state after this. */
async function prepareSlow(door: Door): Promise<Answer> {
  reading = await login(door);
  await ask(reading, 'select 1');
  return {};
}

/** Reads an answer at a rate, and says how many bytes it had. */
async function readSlowly({ query, rate }: SlowOrder): Promise<{ bytes: number; milliseconds: number }> {
  const socket = reading!;
  const startedAt = performance.now();
  let bytes = 0;
  let tail = Buffer.alloc(0);
  socket.pause();
  socket.write(toQuery(query));
  while (!tail.equals(ready)) {
    const allowed = ((performance.now() - startedAt) / 1000) * rate;
    const chunk = bytes < allowed ? (socket.read() as Buffer | null) : null;
    if (chunk === null) {
      if (socket.destroyed || socket.readableEnded) throw new Error(`the answer ended after ${bytes} bytes`);
      await (bytes < allowed ? Promise.race([once(socket, 'readable'), sleep(pause)]) : sleep(pause));
      continue;
    }
    bytes += chunk.length;
    tail = Buffer.concat([tail, chunk.subarray(-ready.length)]).subarray(-ready.length);
  }
  socket.destroy();
  return { bytes, milliseconds: performance.now() - startedAt };
}

print({});
serveOrders({ idle: openIdle, leave: closeIdle, prepare: prepareSlow, slow: readSlowly });
