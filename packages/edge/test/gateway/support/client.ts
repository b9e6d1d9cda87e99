// A gateway with the development policy, and clients that say to it whatever a test wants, right or wrong.
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { createEgress, devPolicy } from '@sallyport/egress';
import {
  encodeControl,
  encodeFrame,
  FrameParser,
  type FrameType,
  frameType,
  socketAuthority,
} from '@sallyport/sockets/internal';
import { type Gateway, type GatewayEvent, type GatewayOptions, startGateway } from '../../../src/index.ts';

export interface TestGateway {
  gateway: Gateway;
  events: GatewayEvent[];
  /** A raw connection to it, closed when the test ends. */
  dial(): Promise<Client>;
  /** A connection that has asked for a Worker socket and got it. */
  dialSocket(): Promise<SocketClient>;
}

export async function startTestGateway(t: TestContext, options: Partial<GatewayOptions> = {}): Promise<TestGateway> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-gateway-'));
  const events: GatewayEvent[] = [];
  const gateway = await startGateway({
    path: join(folder, 'w.sock'),
    egress: createEgress({ policy: devPolicy }),
    onEvent: (event) => events.push(event),
    ...options,
  });
  const clients = new Set<Client>();
  t.after(async () => {
    for (const client of clients) client.socket.destroy();
    await gateway.close();
    await rm(folder, { recursive: true });
  });
  const dial = async (): Promise<Client> => {
    const socket = connect({ path: gateway.path, allowHalfOpen: true });
    await once(socket, 'connect');
    const client = new Client(socket);
    clients.add(client);
    return client;
  };
  const dialSocket = async (): Promise<SocketClient> => {
    const client = await dial();
    client.say(`CONNECT ${socketAuthority} HTTP/1.1\r\n\r\n`);
    await client.hears('\r\n\r\n');
    return new SocketClient(client);
  };
  return { gateway, events, dial, dialSocket };
}

/** Collects what the gateway says. */
export class Client {
  readonly socket: Socket;
  /** Resolves when the gateway has closed the connection or its half of it. */
  readonly ended: Promise<void>;
  heard = Buffer.alloc(0);
  #onHeard = (): void => {};

  constructor(socket: Socket) {
    this.socket = socket;
    this.ended = new Promise((resolve) => {
      socket.on('end', resolve).on('close', () => resolve());
    });
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      this.heard = Buffer.concat([this.heard, chunk]);
      this.#onHeard();
    });
  }

  get text(): string {
    return this.heard.toString('latin1');
  }

  /** The status of the answer. */
  get status(): number {
    return Number(/^HTTP\/1\.1 (\d{3})/.exec(this.text)?.[1]);
  }

  say(text: string | Uint8Array): this {
    this.socket.write(typeof text === 'string' ? Buffer.from(text, 'latin1') : text);
    return this;
  }

  /** Waits until what was heard contains this text. */
  async hears(text: string): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#onHeard = () => {
        if (this.text.includes(text)) resolve();
      };
      this.#onHeard();
      void this.ended.then(resolve);
    });
  }
}

export interface Heard {
  type: FrameType;
  value: unknown;
}

/** Speaks frames, in any order. */
export class SocketClient {
  readonly client: Client;
  readonly frames: Heard[] = [];
  data = Buffer.alloc(0);
  #waiting: (() => void) | undefined;

  constructor(client: Client) {
    this.client = client;
    const parser = new FrameParser({
      data: (piece) => {
        this.data = Buffer.concat([this.data, piece]);
        this.#waiting?.();
      },
      control: (type, value) => {
        this.frames.push({ type, value });
        this.#waiting?.();
      },
    });
    client.socket.on('data', (chunk: Buffer) => parser.push(new Uint8Array(chunk)));
  }

  send(type: keyof typeof frameType, value?: unknown): this {
    if (value instanceof Uint8Array) this.client.say(encodeFrame(frameType[type], value));
    else this.client.say(value === undefined ? encodeFrame(frameType[type]) : encodeControl(frameType[type], value));
    return this;
  }

  open(port: number, more: Record<string, unknown> = {}): this {
    const message = { hostname: '127.0.0.1', port, secureTransport: 'off', connectTimeout: 5_000, tls: {} };
    return this.send('open', { ...message, ...more });
  }

  /** Waits for a control frame of this type. */
  async hears(type: keyof typeof frameType): Promise<unknown> {
    await this.until(() => this.frames.some((frame) => frame.type === frameType[type]));
    const frame = this.frames.find((candidate) => candidate.type === frameType[type]);
    if (frame === undefined) throw new Error(`no ${type} frame, but: ${JSON.stringify(this.frames)}`);
    return frame.value;
  }

  async until(condition: () => boolean): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#waiting = () => {
        if (condition()) resolve();
      };
      this.#waiting();
      void this.client.ended.then(resolve);
    });
  }
}
