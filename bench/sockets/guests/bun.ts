// Bun.connect() as its users write it: handlers, and `write()` that says how much it took.
import { chunkLength, hostOf, serveWorks, within, type WorkOptions } from './serve.ts';

interface BunSocket {
  write(bytes: Uint8Array): number;
  end(): number;
  shutdown(): void;
  terminate(): void;
}

interface Handlers {
  open?(socket: BunSocket): void;
  data(socket: BunSocket, bytes: Uint8Array): void;
  drain?(socket: BunSocket): void;
  end?(socket: BunSocket): void;
  close?(): void;
  error?(socket: BunSocket, error: Error): void;
}

declare const Bun: {
  connect(options: { hostname: string; port: number; allowHalfOpen?: boolean; socket: Handlers }): Promise<BunSocket>;
};

const chunk = new Uint8Array(chunkLength);
const byte = new Uint8Array([1]);

function dial(options: WorkOptions, socket: Handlers, index = 0): Promise<BunSocket> {
  return Bun.connect({ hostname: hostOf(options, index), port: options.port, socket });
}

/** Writes `total` bytes as fast as the socket takes them, then calls `done`. */
function createWriter(total: number, done: (socket: BunSocket) => void): (socket: BunSocket) => number {
  let left = total;
  return (socket) => {
    while (left > 0) {
      const bytes = left < chunk.byteLength ? chunk.subarray(0, left) : chunk;
      const taken = socket.write(bytes);
      if (taken > 0) left -= taken;
      if (taken < bytes.byteLength) return total - left;
    }
    left = -1;
    done(socket);
    return total;
  };
}

serveWorks({
  down: (options) =>
    new Promise((resolve, reject) => {
      let bytes = 0;
      dial(options, {
        data: (_socket, data) => void (bytes += data.byteLength),
        close: () => resolve({ bytes }),
        error: (_socket, error) => reject(error),
      }).catch(reject);
    }),

  up: (options) =>
    new Promise((resolve, reject) => {
      const write = createWriter(options.bytes, (socket) => socket.shutdown());
      dial(options, {
        open: write,
        drain: write,
        data: () => {},
        end: (socket) => void socket.end(),
        close: () => resolve({ bytes: options.bytes }),
        error: (_socket, error) => reject(error),
      }).catch(reject);
    }),

  rtt: async (options) => {
    for (let index = 0; index < options.count; index += 1) {
      await new Promise<void>((resolve, reject) => {
        const handlers: Handlers = {
          open: (socket) => void socket.write(byte),
          data: (socket) => {
            socket.end();
            resolve();
          },
        };
        dial(options, handlers, index).catch(reject);
      });
    }
  },

  trips: (options) =>
    new Promise((resolve, reject) => {
      let left = options.count + 1;
      let startedAt = 0;
      dial(options, {
        open: (socket) => void socket.write(byte),
        data: (socket) => {
          if (left === options.count + 1) startedAt = performance.now();
          left -= 1;
          if (left > 0) return void socket.write(byte);
          resolve({ milliseconds: performance.now() - startedAt });
          socket.end();
        },
      }).catch(reject);
    }),

  cycles: async (options) => {
    for (let index = 0; index < options.count; index += 1) {
      const socket = await dial(options, { data: () => {} }, index);
      socket.end();
    }
  },

  stall: async (options) => {
    let bytes = 0;
    const write = createWriter(options.bytes, () => {});
    const tryWrite = (socket: BunSocket): void => void (bytes = write(socket));
    const socket = await dial(options, { open: tryWrite, drain: tryWrite, data: () => {} });
    await within(options.wait, new Promise(() => {}));
    socket.terminate();
    return { bytes };
  },
});
