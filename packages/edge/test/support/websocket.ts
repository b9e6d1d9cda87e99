// WebSockets by hand, as far as tests need them: the handshake, and short text frames [RFC 6455].
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TestContext } from 'node:test';

const magic = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const opcodes = { text: 1, close: 8 } as const;

const accept = (key: string): string =>
  createHash('sha1')
    .update(key + magic)
    .digest('base64');

/** One unfragmented frame of up to 125 bytes; clients mask theirs. */
function frame(opcode: number, payload: Buffer, masked: boolean): Buffer {
  const head = Buffer.from([0x80 | opcode, (masked ? 0x80 : 0) | payload.length]);
  if (!masked) return Buffer.concat([head, payload]);
  const mask = randomBytes(4);
  return Buffer.concat([head, mask, payload.map((byte, index) => byte ^ mask[index % 4]!)]);
}

export class Talk {
  readonly stream: Duplex;
  /** The fields of the other side's handshake. */
  readonly handshake: IncomingMessage;
  readonly #masked: boolean;
  #buffered: Buffer;

  constructor(stream: Duplex, handshake: IncomingMessage, parts: { head: Buffer; masked: boolean }) {
    this.stream = stream;
    this.handshake = handshake;
    this.#masked = parts.masked;
    this.#buffered = parts.head;
    stream.on('error', () => {});
  }

  say(text: string): void {
    this.stream.write(frame(opcodes.text, Buffer.from(text), this.#masked));
  }

  close(code = 1000): void {
    const payload = Buffer.alloc(2);
    payload.writeUInt16BE(code);
    this.stream.write(frame(opcodes.close, payload, this.#masked));
  }

  /** The next frame: its text, or `close CODE`; undefined when the connection ends without one. */
  async hear(): Promise<string | undefined> {
    for (;;) {
      const [first = 0, second = 0] = this.#buffered;
      const masked = (second & 0x80) !== 0;
      const start = masked ? 6 : 2;
      const end = start + (second & 0x7f);
      if (this.#buffered.length >= 2 && this.#buffered.length >= end) {
        const mask = this.#buffered.subarray(2, 6);
        const payload = this.#buffered
          .subarray(start, end)
          .map((byte, index) => (masked ? byte ^ mask[index % 4]! : byte));
        this.#buffered = this.#buffered.subarray(end);
        return (first & 0x0f) === opcodes.close
          ? `close ${Buffer.from(payload).readUInt16BE()}`
          : Buffer.from(payload).toString();
      }
      const chunk = await this.#read();
      if (chunk === undefined) return undefined;
      this.#buffered = Buffer.concat([this.#buffered, chunk]);
    }
  }

  #read(): Promise<Buffer | undefined> {
    return new Promise((resolve) => {
      const { stream } = this;
      const settle = (chunk?: Buffer): void => {
        stream.pause();
        stream.off('data', settle).off('end', onEnd).off('close', onEnd);
        resolve(chunk);
      };
      const onEnd = (): void => settle();
      if (stream.destroyed || stream.readableEnded) return resolve(undefined);
      stream.on('data', settle).on('end', onEnd).on('close', onEnd).resume();
    });
  }
}

/** Connects as a browser would. */
export async function talkTo(t: TestContext, url: string, headers: Record<string, string> = {}): Promise<Talk> {
  const key = randomBytes(16).toString('base64');
  const outgoing = request(url, {
    headers: {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-key': key,
      'sec-websocket-version': '13',
      ...headers,
    },
  });
  outgoing.end();
  const answered = once(outgoing, 'response').then(([answer]) => {
    throw new Error(`answered ${(answer as IncomingMessage).statusCode} instead of an upgrade`);
  });
  const upgraded = once(outgoing, 'upgrade') as Promise<[IncomingMessage, Duplex, Buffer]>;
  const [answer, stream, head] = await Promise.race([upgraded, answered]);
  answered.catch(() => {});
  t.after(() => void stream.destroy());
  if (answer.headers['sec-websocket-accept'] !== accept(key)) throw new Error('not the answer to our key');
  return new Talk(stream, answer, { head, masked: true });
}

/** A server that gives each conversation to `serve`. */
export async function startWebSocketServer(t: TestContext, serve: (talk: Talk) => void): Promise<string> {
  const server: Server = createServer((_, response) => void response.writeHead(426).end('upgrade, please'));
  const streams = new Set<Duplex>();
  server.on('upgrade', (incoming, stream: Duplex, head: Buffer) => {
    streams.add(stream);
    const key = accept(incoming.headers['sec-websocket-key'] ?? '');
    stream.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${key}\r\n\r\n`,
    );
    serve(new Talk(stream, incoming, { head, masked: false }));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  t.after(() => {
    for (const stream of streams) stream.destroy();
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
