// A client of the test kit's line protocol: what every startTls() case does before the interesting part.
import type { Socket } from '@sallyport/sockets';
import type { PeerSpec, TlsSpec } from '../case.ts';
import type { Context } from '../guest/context.ts';
import { bytes, readChars } from '../guest/observe.ts';

export function server(variant: PeerSpec['variant'] = 'upgrade', certificate: TlsSpec['certificate'] = 'good') {
  return { peer: { kind: 'starttls', variant, tls: { certificate } } } as const satisfies Record<string, PeerSpec>;
}

export function plain({ connect, peers: { peer } }: Context, options: object = {}): Socket {
  return connect(`localhost:${peer!.port}`, { secureTransport: 'starttls', ...options });
}

/** Reads this many bytes and not one more: what is behind them belongs to the handshake. */
async function readExactly(reader: ReadableStreamBYOBReader, length: number): Promise<string> {
  let text = '';
  while (text.length < length) {
    const { done, value } = await reader.read(new Uint8Array(length - text.length));
    if (done) return `${text} then done`;
    text += new TextDecoder().decode(value);
  }
  return text;
}

/** Reads the greeting, asks for TLS and reads exactly the answer, as a client should. */
export async function ask(socket: Socket): Promise<string> {
  const reader = socket.readable.getReader({ mode: 'byob' });
  const writer = socket.writable.getWriter();
  const greeting = await readExactly(reader, '220 ready\r\n'.length);
  await writer.write(bytes('STARTTLS\r\n'));
  const answer = await readExactly(reader, '220 go\r\n'.length);
  reader.releaseLock();
  writer.releaseLock();
  return greeting + answer;
}

export async function echo(socket: Socket, text: string): Promise<string> {
  await socket.writable.getWriter().write(bytes(text));
  return readChars(socket.readable.getReader(), text.length);
}
