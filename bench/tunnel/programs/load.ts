// The load: plain node:net clients of whatever way leads to the origin's servers.
import { connect, type Socket } from 'node:net';
import { host } from '../ports.ts';
import { print, serveOrders } from '../../kit/orders.ts';

const block = Buffer.alloc(256 * 1024);
const byte = Buffer.from([1]);
/** Every download reads into the same memory: the load shall cost as little as it can. */
const scrap = Buffer.alloc(256 * 1024);
/** Milliseconds after which a connect of a steady load counts as failed. */
const patience = 5_000;

interface Transfer {
  port: number;
  bytes: number;
}

function toHeader(bytes: number): Buffer {
  const header = Buffer.alloc(8);
  header.writeBigUInt64BE(BigInt(bytes));
  return header;
}

/** Milliseconds of all of it, and from the first byte that came to the last. */
function download({ port, bytes }: Transfer): Promise<{ milliseconds: number; flow: number }> {
  return new Promise((resolve, reject) => {
    const startedAt = performance.now();
    let firstAt = 0;
    let lastAt = 0;
    let left = bytes;
    const take = (length: number): boolean => {
      if (firstAt === 0) firstAt = performance.now();
      left -= length;
      if (left === 0) {
        lastAt = performance.now();
        socket.end();
      }
      return true;
    };
    const socket = connect({ host, port, noDelay: true, onread: { buffer: scrap, callback: take } });
    socket.on('error', reject);
    socket.on('close', () => {
      if (left === 0) resolve({ milliseconds: lastAt - startedAt, flow: lastAt - firstAt });
      else reject(new Error(`${bytes - left} of ${bytes} bytes`));
    });
    socket.write(toHeader(bytes));
  });
}

function upload({ port, bytes }: Transfer): Promise<{ milliseconds: number; flow: number }> {
  return new Promise((resolve, reject) => {
    const startedAt = performance.now();
    const socket = connect({ host, port, noDelay: true });
    let left = bytes;
    const write = (): void => {
      while (left > 0) {
        const part = left < block.length ? block.subarray(0, left) : block;
        left -= part.length;
        if (!socket.write(part)) return;
      }
    };
    let figures: { milliseconds: number; flow: number } | undefined;
    socket.on('data', (answer) => {
      figures = { milliseconds: performance.now() - startedAt, flow: answer.readDoubleBE() };
      socket.end();
    });
    socket.on('drain', write).on('error', reject);
    socket.on('close', () => (figures === undefined ? reject(new Error('no answer')) : resolve(figures)));
    socket.write(toHeader(bytes));
    write();
  });
}

/** Connects, and gets one byte back. */
function enter(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true });
    const timer = setTimeout(() => socket.destroy(new Error('no answer')), patience);
    let answered = false;
    socket.once('data', () => {
      answered = true;
      clearTimeout(timer);
      resolve(socket);
    });
    socket.on('error', reject);
    socket.once('close', () => {
      clearTimeout(timer);
      if (!answered) reject(new Error('closed without an answer'));
    });
    socket.write(byte);
  });
}

/** Ends it, and waits until the other side has. */
function leave(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', resolve).resume().end());
}

async function inParallel(count: number, concurrency: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const one = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: concurrency }, one));
}

async function time(work: () => Promise<unknown>): Promise<{ milliseconds: number }> {
  const startedAt = performance.now();
  await work();
  return { milliseconds: performance.now() - startedAt };
}

let held: Socket[] = [];
let slow: { socket: Socket; timer: NodeJS.Timeout } | undefined;

serveOrders({
  down: download,
  up: upload,

  /** One after the other; what is timed ends with the byte that came back. */
  trips: async ({ port, count }: { port: number; count: number }) => {
    let milliseconds = 0;
    for (let index = 0; index < count; index += 1) {
      const startedAt = performance.now();
      const socket = await enter(port);
      milliseconds += performance.now() - startedAt;
      await leave(socket);
    }
    return { milliseconds };
  },

  connects: ({ port, count, concurrency }: { port: number; count: number; concurrency: number }) =>
    time(() => inParallel(count, concurrency, async () => leave(await enter(port)))),

  /** Opens connections that do nothing from then on. */
  hold: async ({ port, count }: { port: number; count: number }) => {
    await inParallel(count, 100, async () => void held.push(await enter(port)));
    return {};
  },

  release: async () => {
    await Promise.all(held.map(leave));
    held = [];
    return {};
  },

  fan: ({ port, bytes, streams }: Transfer & { streams: number }) =>
    time(() => Promise.all(Array.from({ length: streams }, () => download({ port, bytes })))),

  /** A reader of a long download that takes `chunk` bytes every `interval` milliseconds. */
  crawl: ({ port, bytes, interval }: Transfer & { interval: number }) => {
    const socket = connect({ host, port, noDelay: true });
    socket.on('error', () => {}).write(toHeader(bytes));
    socket.on('data', () => void socket.pause());
    slow = { socket, timer: setInterval(() => socket.resume(), interval) };
    return {};
  },

  hurry: () => {
    clearInterval(slow?.timer);
    slow?.socket.destroy();
    return {};
  },

  /** New connections at a steady rate; tells when it began, and of each that failed when it was begun. */
  steady: async ({ port, rate, milliseconds }: { port: number; rate: number; milliseconds: number }) => {
    const failures: { begun: number; took: number; reason: string }[] = [];
    const running = new Set<Promise<void>>();
    const startedAt = performance.now();
    let count = 0;
    const one = async (): Promise<void> => {
      const begun = Date.now();
      const before = performance.now();
      try {
        await leave(await enter(port));
      } catch (error) {
        failures.push({ begun, took: performance.now() - before, reason: (error as Error).message });
      }
    };
    print({ at: Date.now() });
    while (performance.now() - startedAt < milliseconds) {
      for (const due = ((performance.now() - startedAt) / 1000) * rate; count < due; count += 1) {
        const promise: Promise<void> = one().finally(() => running.delete(promise));
        running.add(promise);
      }
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    await Promise.all(running);
    return { count, failures };
  },
});
print({});
