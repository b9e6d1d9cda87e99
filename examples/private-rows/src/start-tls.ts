// Opportunistic TLS: plain until both sides agree, then encrypted on the same connection.
import { connect } from 'cloudflare:sockets';
import type { Env } from './index.ts';

export async function startTls(env: Env): Promise<unknown> {
  const plain = connect(env.MAIL, { secureTransport: 'starttls' });
  const writer = plain.writable.getWriter();
  const reader = plain.readable.getReader();
  const greeting = await line(reader);
  await writer.write(new TextEncoder().encode('STARTTLS\r\n'));
  const answer = await line(reader);
  // startTls() takes the connection over, so nobody may hold the old streams.
  writer.releaseLock();
  reader.releaseLock();

  const secure = plain.startTls();
  await secure.opened;
  const secureWriter = secure.writable.getWriter();
  await secureWriter.write(new TextEncoder().encode('hello in private\r\n'));
  const echo = await line(secure.readable.getReader());
  await secure.close();
  return { greeting, answer, upgraded: plain.upgraded, secureTransport: secure.secureTransport, echo };
}

/** One short line: this server sends each in one piece. */
async function line(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string> {
  const { value } = await reader.read();
  return new TextDecoder().decode(value).trimEnd();
}
