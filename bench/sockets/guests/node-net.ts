// node:net as its users write it: the yardstick.
import { connect } from 'node:net';
import { chunkLength, hostOf, serveWorks, within } from './serve.ts';

const chunk = Buffer.alloc(chunkLength);
const byte = Buffer.from([1]);

serveWorks({
  down: (options) =>
    new Promise((resolve, reject) => {
      const socket = connect({ host: hostOf(options), port: options.port });
      let bytes = 0;
      socket.on('data', (data) => (bytes += data.byteLength));
      socket.on('error', reject).on('close', () => resolve({ bytes }));
    }),

  up: (options) =>
    new Promise((resolve, reject) => {
      const socket = connect({ host: hostOf(options), port: options.port });
      let sent = 0;
      const write = (): void => {
        while (sent < options.bytes) {
          sent += chunk.byteLength;
          if (!socket.write(chunk)) return;
        }
        socket.end();
      };
      socket.on('drain', write).resume();
      socket.on('error', reject).on('close', () => resolve({ bytes: sent }));
      write();
    }),

  rtt: async (options) => {
    for (let index = 0; index < options.count; index += 1) {
      await new Promise<void>((resolve, reject) => {
        const socket = connect({ host: hostOf(options, index), port: options.port, noDelay: true });
        socket.on('error', reject);
        // Our end is sent and the descriptor closed, without waiting for the other side's end.
        socket.once('data', () => socket.end(() => resolve(void socket.destroy())));
        socket.write(byte);
      });
    }
  },

  trips: (options) =>
    new Promise((resolve, reject) => {
      const socket = connect({ host: hostOf(options), port: options.port, noDelay: true });
      let left = options.count + 1;
      let startedAt = 0;
      socket.on('data', () => {
        if (left === options.count + 1) startedAt = performance.now();
        left -= 1;
        if (left > 0) return void socket.write(byte);
        resolve({ milliseconds: performance.now() - startedAt });
        socket.destroy();
      });
      socket.on('error', reject);
      socket.write(byte);
    }),

  cycles: async (options) => {
    for (let index = 0; index < options.count; index += 1) {
      await new Promise<void>((resolve, reject) => {
        const socket = connect({ host: hostOf(options, index), port: options.port });
        socket.on('error', reject);
        socket.once('connect', () => socket.end(() => resolve(void socket.destroy())));
      });
    }
  },

  stall: async (options) => {
    const socket = connect({ host: hostOf(options), port: options.port });
    let bytes = 0;
    const writing = new Promise<void>((resolve) => {
      const write = (): void => {
        while (bytes < options.bytes) {
          bytes += chunk.byteLength;
          if (!socket.write(chunk)) return;
        }
        resolve();
      };
      socket.on('drain', write).on('error', () => {});
      write();
    });
    await within(options.wait, writing);
    socket.destroy();
    return { bytes };
  },
});
