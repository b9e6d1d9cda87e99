// Deno.connect() as its users write it.
import { chunkLength, hostOf, serveWorks, within, type WorkOptions } from './serve.ts';

interface Conn {
  read(buffer: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  closeWrite(): Promise<void>;
  setNoDelay(): void;
  close(): void;
}

declare const Deno: { connect(options: { hostname: string; port: number }): Promise<Conn> };

const chunk = new Uint8Array(chunkLength);
const byte = new Uint8Array([1]);

async function dial(options: WorkOptions, index = 0): Promise<Conn> {
  const conn = await Deno.connect({ hostname: hostOf(options, index), port: options.port });
  conn.setNoDelay();
  return conn;
}

async function writeAll(conn: Conn, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.byteLength;) sent += await conn.write(bytes.subarray(sent));
}

async function drain(conn: Conn): Promise<number> {
  const buffer = new Uint8Array(chunkLength);
  let bytes = 0;
  for (;;) {
    const count = await conn.read(buffer);
    if (count === null) return bytes;
    bytes += count;
  }
}

serveWorks({
  down: async (options) => {
    const conn = await dial(options);
    const bytes = await drain(conn);
    conn.close();
    return { bytes };
  },

  up: async (options) => {
    const conn = await dial(options);
    for (let sent = 0; sent < options.bytes; sent += chunk.byteLength) await writeAll(conn, chunk);
    await conn.closeWrite();
    await drain(conn);
    conn.close();
    return { bytes: options.bytes };
  },

  rtt: async (options) => {
    const buffer = new Uint8Array(16);
    for (let index = 0; index < options.count; index += 1) {
      const conn = await dial(options, index);
      await conn.write(byte);
      await conn.read(buffer);
      conn.close();
    }
  },

  trips: async (options) => {
    const buffer = new Uint8Array(16);
    const conn = await dial(options);
    await conn.write(byte);
    await conn.read(buffer);
    const startedAt = performance.now();
    for (let index = 0; index < options.count; index += 1) {
      await conn.write(byte);
      await conn.read(buffer);
    }
    const milliseconds = performance.now() - startedAt;
    conn.close();
    return { milliseconds };
  },

  cycles: async (options) => {
    for (let index = 0; index < options.count; index += 1) (await dial(options, index)).close();
  },

  stall: async (options) => {
    const conn = await dial(options);
    let bytes = 0;
    const writing = (async () => {
      for (; bytes < options.bytes; bytes += chunk.byteLength) await writeAll(conn, chunk);
    })();
    writing.catch(() => {});
    await within(options.wait, writing);
    conn.close();
    return { bytes };
  },
});
