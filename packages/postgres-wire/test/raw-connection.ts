// A connection to a real server that speaks with nothing but this package: what the tests send goes out as it is.
import { connect as connectTcp } from 'node:net';
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import type { PostgresServer } from '@sallyport/testkit';
import * as wire from '../src/index.ts';

const everything = wire.defineInspection({
  side: 'backend',
  inspect: Object.values(wire.Backend),
  wholeUpTo: 2 ** 20,
});

export interface RawOptions {
  ca?: string;
  channelBinding?: 'require' | 'prefer' | 'disable';
  password?: string;
  database?: string;
  minor?: number;
}

export class RawConnection {
  readonly #socket: Duplex;
  readonly #received: Buffer[] = [];
  readonly #reader: wire.MessageReader;
  #wake: () => void = () => {};
  #ended = false;
  /** How the server asked for the password. */
  mechanism: string | undefined;

  constructor(socket: Duplex) {
    this.#socket = socket;
    this.#reader = new wire.MessageReader(
      {
        message: (_type, bytes, start, end) => {
          this.#received.push(Buffer.from(bytes.subarray(start, end)));
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
    socket.on('close', () => {
      this.#ended = true;
      this.#wake();
    });
    socket.on('error', () => {});
  }

  send(...messages: Buffer[]): void {
    this.#socket.write(Buffer.concat(messages));
  }

  /** The next message; undefined at the end. */
  async next(): Promise<Buffer | undefined> {
    while (this.#received.length === 0 && !this.#ended) {
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    return this.#received.shift();
  }

  async until(type: number): Promise<Buffer[]> {
    const messages: Buffer[] = [];
    for (;;) {
      const message = await this.next();
      if (message === undefined) throw new Error('the server closed the connection');
      messages.push(message);
      if (message[0] === type) return messages;
    }
  }

  async login(server: PostgresServer, options: RawOptions, serverEndPoint?: Buffer): Promise<void> {
    const { user, database } = server;
    const password = options.password ?? server.password;
    this.send(wire.toStartupMessage({ user, database: options.database ?? database }, { minor: options.minor ?? 0 }));
    let scram: wire.ScramClient | undefined;
    for (;;) {
      const message = await this.next();
      if (message === undefined) throw new Error('the server closed the connection');
      const reply = wire.parseBackend(message);
      if (reply.type === 'ErrorResponse') throw new Error(reply.report.message);
      if (reply.type === 'ReadyForQuery') return;
      if (reply.type !== 'Authentication') continue;
      switch (reply.method) {
        case 'cleartext':
          this.mechanism = 'cleartext';
          this.send(wire.toPassword(password));
          break;
        case 'md5':
          this.mechanism = 'md5';
          this.send(wire.toPassword(wire.toMd5Password({ user, password }, reply.salt)));
          break;
        case 'sasl': {
          const { channelBinding = 'prefer' } = options;
          const nonce = Math.random().toString(36);
          scram = wire.createScramClient({ ...reply, password, nonce, serverEndPoint, channelBinding });
          this.mechanism = scram.mechanism;
          this.send(wire.toSaslInitialResponse(scram.mechanism, scram.first()));
          break;
        }
        case 'sasl-continue':
          this.send(wire.toSaslResponse(await scram!.final(reply.data)));
          break;
        case 'sasl-final':
          scram!.verify(reply.data);
          break;
        default:
      }
    }
  }

  /** Says goodbye and waits for the server's end: until then it counts among the server's clients. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ended) return;
    const closed = once(this.#socket, 'close');
    this.#socket.end(wire.toTerminate());
    this.#socket.resume();
    await closed;
  }
}

/** Connects and logs in; over TLS when there is a `ca`. */
export async function connectRaw(server: PostgresServer, options: RawOptions = {}): Promise<RawConnection> {
  const tcp = connectTcp(server.port, '127.0.0.1');
  await once(tcp, 'connect');
  if (options.ca === undefined) {
    const connection = new RawConnection(tcp);
    await connection.login(server, options);
    return connection;
  }
  tcp.write(wire.toSslRequest());
  const [answer] = (await once(tcp, 'data')) as [Buffer];
  if (!answer.equals(wire.encryptionAnswer.ssl)) throw new Error('the server has no TLS');
  tcp.removeAllListeners('data');
  const tls = connectTls({ socket: tcp, ca: options.ca, host: '127.0.0.1' });
  await once(tls, 'secureConnect');
  const connection = new RawConnection(tls);
  await connection.login(server, options, wire.toServerEndPoint(tls.getPeerX509Certificate()!.raw));
  return connection;
}
