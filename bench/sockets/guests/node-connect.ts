// Our connect() on Node, as its users get it: the built package.
import { connect, type Socket } from '@sallyport/sockets';
import { chunkLength, hostOf, serveWorks, within, type WorkOptions } from './serve.ts';

const chunk = new Uint8Array(chunkLength);
const byte = new Uint8Array([1]);

function dial(options: WorkOptions, index = 0): Socket {
  return connect({ hostname: hostOf(options, index), port: options.port });
}

serveWorks({
  down: async (options) => {
    const socket = dial(options);
    const reader = socket.readable.getReader();
    let bytes = 0;
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      bytes += value.byteLength;
    }
    await socket.close();
    return { bytes };
  },

  up: async (options) => {
    const socket = connect({ hostname: hostOf(options), port: options.port }, { allowHalfOpen: true });
    const writer = socket.writable.getWriter();
    for (let sent = 0; sent < options.bytes; sent += chunk.byteLength) await writer.write(chunk);
    await writer.close();
    const { done } = await socket.readable.getReader().read();
    if (!done) throw new Error('the sink answered');
    return { bytes: options.bytes };
  },

  rtt: async (options) => {
    for (let index = 0; index < options.count; index += 1) {
      const socket = dial(options, index);
      await socket.writable.getWriter().write(byte);
      await socket.readable.getReader().read();
      await socket.close();
    }
  },

  trips: async (options) => {
    const socket = dial(options);
    const writer = socket.writable.getWriter();
    const reader = socket.readable.getReader();
    await writer.write(byte);
    await reader.read();
    const startedAt = performance.now();
    for (let index = 0; index < options.count; index += 1) {
      await writer.write(byte);
      await reader.read();
    }
    const milliseconds = performance.now() - startedAt;
    await socket.close();
    return { milliseconds };
  },

  cycles: async (options) => {
    for (let index = 0; index < options.count; index += 1) {
      const socket = dial(options, index);
      await socket.opened;
      await socket.close();
    }
  },

  stall: async (options) => {
    const socket = dial(options);
    const writer = socket.writable.getWriter();
    let bytes = 0;
    const writing = (async () => {
      while (bytes < options.bytes) {
        await writer.ready;
        writer.write(chunk).catch(() => {});
        bytes += chunk.byteLength;
      }
    })();
    writing.catch(() => {});
    await within(options.wait, writing);
    await writer.abort();
    return { bytes };
  },

  pipe: async (options) => {
    const socket = dial(options);
    let bytes = 0;
    const source = new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull(controller) {
        controller.enqueue(new Uint8Array(chunkLength));
        bytes += chunkLength;
        if (bytes >= options.bytes) controller.close();
      },
    });
    const stop = new AbortController();
    const piping = source.pipeTo(socket.writable, { signal: stop.signal });
    piping.catch(() => {});
    await within(options.wait, piping);
    const figures = { bytes };
    stop.abort();
    return figures;
  },
});
