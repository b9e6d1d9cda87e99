// An invocation holds at most six sockets open: the seventh waits until one is closed.
import { connect } from 'cloudflare:sockets';
import type { Env } from './index.ts';

export async function seventh(env: Env): Promise<unknown> {
  const six = Array.from({ length: 6 }, () => connect(env.ECHO));
  await Promise.all(six.map((socket) => socket.opened));
  const last = connect(env.ECHO);
  // A round trip on another socket gives the seventh every chance to open too early.
  const writer = six[1].writable.getWriter();
  await writer.write(new Uint8Array([1]));
  await six[1].readable.getReader().read();
  const before = await Promise.race([last.opened.then(() => 'open'), Promise.resolve('waiting')]);
  await six[0].close();
  await last.opened;
  await Promise.all([...six, last].map((socket) => socket.close()));
  return { open: six.length, seventh: before, afterOneClosed: 'open' };
}
