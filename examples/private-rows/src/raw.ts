// A protocol spoken by hand: PostgreSQL's start-up and one simple query, in a few bytes each.
import { connect } from 'cloudflare:sockets';
import type { Env } from './index.ts';

export async function raw(env: Env): Promise<unknown> {
  const { hostname, port, username } = new URL(env.DATABASE);
  const socket = connect({ hostname, port: Number(port) });
  const writer = socket.writable.getWriter();
  const messages = readMessages(socket.readable);
  await writer.write(startup({ user: username, database: 'postgres' }));
  for await (const { type } of messages) if (type === 'Z') break;
  await writer.write(message('Q', 'select version()\0'));
  let version = '';
  for await (const { type, body } of messages) {
    // DataRow: a count of columns (2 bytes), then length (4 bytes) and bytes of each.
    if (type === 'D') version = new TextDecoder().decode(body.subarray(6));
    if (type === 'Z') break;
  }
  await writer.write(message('X', ''));
  await socket.close();
  return { version };
}

function startup(parameters: Record<string, string>): Uint8Array {
  const text = Object.entries(parameters)
    .map(([key, value]) => `${key}\0${value}\0`)
    .join('');
  const body = new TextEncoder().encode(`\0\x03\0\0${text}\0`);
  return withLength(body);
}

function message(type: string, body: string): Uint8Array {
  return new Uint8Array([type.charCodeAt(0), ...withLength(new TextEncoder().encode(body))]);
}

function withLength(body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(4 + body.length);
  new DataView(bytes.buffer).setUint32(0, bytes.length);
  bytes.set(body, 4);
  return bytes;
}

/** Messages as they arrive; can be left and entered again. */
function readMessages(readable: ReadableStream<Uint8Array>): AsyncIterable<{ type: string; body: Uint8Array }> {
  const reader = readable.getReader({ mode: 'byob' });
  const take = async (length: number): Promise<Uint8Array> => {
    let buffer = new Uint8Array(length);
    for (let filled = 0; filled < length;) {
      const { value, done } = await reader.read(buffer.subarray(filled));
      if (done || value === undefined) throw new Error('the database hung up');
      buffer = new Uint8Array(value.buffer);
      filled += value.length;
    }
    return buffer;
  };
  const next = async () => {
    const head = await take(5);
    const body = await take(new DataView(head.buffer).getUint32(1) - 4);
    return { done: false as const, value: { type: String.fromCharCode(head[0]), body } };
  };
  return { [Symbol.asyncIterator]: () => ({ next }) };
}
