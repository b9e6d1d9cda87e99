// A client that sends any messages at all, to a server that trusts it.
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import * as wire from '@sallyport/postgres-wire';

const everything = wire.defineInspection({ side: 'backend', inspect: Object.values(wire.Backend), wholeUpTo: 2 ** 20 });

export class RawClient {
  /** What a CancelRequest has to say to mean this client. */
  key: { processId: number; secretKey: Buffer } | undefined;
  readonly #socket: Socket;
  readonly #reader: wire.MessageReader;
  #received: Buffer[] = [];
  #wake: () => void = () => {};
  #isOver = false;
  /** ReadyForQuery that is to come. */
  #owed = 1;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#reader = new wire.MessageReader(
      {
        message: (type, bytes, start, end) => {
          this.#received.push(Buffer.from(bytes.subarray(start, end)));
          if (type === wire.Backend.ReadyForQuery) this.#owed -= 1;
          if (type === wire.Backend.BackendKeyData) this.key = wire.parseBackendKeyData(bytes.subarray(start, end));
          return false;
        },
        large: () => false,
        pass: () => {},
      },
      everything,
    );
    socket.on('data', (chunk: Buffer) => {
      this.#reader.push(chunk);
      this.#wake();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#isOver = true;
      this.#wake();
    });
  }

  send(...messages: Buffer[]): void {
    this.#socket.write(Buffer.concat(messages));
  }

  /** Everything up to the answer of a query that fails with a name of its own: nothing is owed behind it. */
  async untilAnswered(): Promise<Buffer[]> {
    this.send(wire.toSync(), wire.toQuery('the_marker'));
    const messages: Buffer[] = [];
    for (let isMarked = false; ;) {
      const message = await this.next();
      if (message === undefined) return messages;
      messages.push(message);
      if (isMarked && message[0] === wire.Backend.ReadyForQuery) return messages;
      isMarked ||= message[0] === wire.Backend.ErrorResponse && message.includes('"the_marker"');
    }
  }

  /** Everything up to a message of this type, or to the end. */
  async until(type: number): Promise<Buffer[]> {
    const messages: Buffer[] = [];
    for (;;) {
      const message = await this.next();
      if (message === undefined) return messages;
      messages.push(message);
      if (message[0] === type) return messages;
    }
  }

  /** The next message; undefined at the end. */
  async next(): Promise<Buffer | undefined> {
    while (this.#received.length === 0 && !this.#isOver) await new Promise<void>((resolve) => (this.#wake = resolve));
    return this.#received.shift();
  }

  async ready(): Promise<void> {
    while (this.#owed > 0 && !this.#isOver) await new Promise<void>((resolve) => (this.#wake = resolve));
    this.#received = [];
  }

  close(): void {
    this.#socket.destroy();
  }

  /** Says goodbye and waits for the server's end: until then it counts among the server's clients. */
  async leave(): Promise<void> {
    if (this.#isOver) return;
    const closed = once(this.#socket, 'close');
    this.#socket.end(wire.toTerminate());
    await closed;
  }
}

/** Sends a CancelRequest, and waits until it was taken. */
export async function cancelRaw(port: number, { key }: Pick<RawClient, 'key'>): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.on('error', () => {});
  socket.resume();
  const closed = once(socket, 'close');
  socket.write(wire.toCancelRequest(key!.processId, key!.secretKey));
  await closed;
}

export async function connectRaw({
  port,
  user,
  database,
}: {
  port: number;
  user: string;
  database: string;
}): Promise<RawClient> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  const client = new RawClient(socket);
  client.send(wire.toStartupMessage({ user, database }));
  await client.ready();
  return client;
}
