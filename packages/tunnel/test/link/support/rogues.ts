// Ends of a link that a test drives by hand, to say what a real one never would.
import { once } from 'node:events';
import { type ClientHttp2Session, connect as connectHttp2, type Http2Stream, performServerHandshake } from 'node:http2';
import type { OutgoingHttpHeaders, ServerHttp2Session, Settings } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { connect as connectTls, createServer, type TLSSocket } from 'node:tls';
import { testAuthority, type TestScope } from '@sallyport/testkit';
import { edgeServerName } from '../../../src/index.ts';
import type { Message } from '../../../src/link/control-channel.ts';
import { channelBinding, createNonce, prove } from '../../../src/link/proof.ts';
import { alpn, controlPath, protocolVersion } from '../../../src/link/protocol.ts';
import { secrets } from './ends.ts';

/** The control stream, by hand. */
export class RogueControl {
  readonly stream: Http2Stream;
  readonly #messages: Message[] = [];
  #waiting: (() => void)[] = [];
  #rest = '';

  constructor(stream: Http2Stream) {
    this.stream = stream;
    stream.on('error', () => {});
    stream.on('data', (chunk: Buffer) => {
      const lines = (this.#rest + chunk.toString()).split('\n');
      this.#rest = lines.pop()!;
      this.#messages.push(...lines.map((line) => JSON.parse(line) as Message));
      this.#waiting.splice(0).forEach((look) => look());
    });
  }

  send(message: unknown): void {
    this.stream.write(`${JSON.stringify(message)}\n`);
  }

  /** The next message of a type; what came before it is dropped. */
  async next(type: string): Promise<Message> {
    for (;;) {
      const message = this.#messages.shift();
      if (message?.type === type) return message;
      if (message === undefined) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }
}

export interface RogueConnector {
  readonly socket: TLSSocket;
  readonly session: ServerHttp2Session;
  readonly control: RogueControl;
  /** Resolves when the connection is gone. */
  readonly closed: Promise<unknown>;
}

/** A TLS connection to an edge, and no more. */
export async function dialEdge(t: TestScope, port: number, protocols = [alpn]): Promise<TLSSocket> {
  const { ca } = await testAuthority();
  const socket = connectTls({ host: '127.0.0.1', port, ca, servername: edgeServerName, ALPNProtocols: protocols });
  t.after(() => void socket.destroy());
  socket.on('error', () => {});
  await once(socket, 'secureConnect');
  return socket;
}

/** A connector that has the edge's control stream open and has said nothing on it. */
export async function startRogueConnector(
  t: TestScope,
  port: number,
  settings: Settings = {},
): Promise<RogueConnector> {
  const socket = await dialEdge(t, port);
  const closed = once(socket, 'close');
  const session = performServerHandshake(socket, { settings });
  session.on('error', () => {});
  const [stream] = (await once(session, 'stream')) as [Http2Stream & { respond(headers: OutgoingHttpHeaders): void }];
  stream.respond({ ':status': 200 });
  return { socket, session, closed, control: new RogueControl(stream) };
}

export interface Claim {
  tunnelId?: string;
  secret?: Uint8Array;
  connectorId?: string;
  index?: number;
}

/** The registration that a real connector would send in answer to this challenge. */
export function toRegistration(challenge: Message, socket: TLSSocket, claim: Claim = {}): Message {
  const { tunnelId = 'home', secret = secrets[tunnelId]!, connectorId = 'rogue', index = 0 } = claim;
  const nonce = createNonce();
  const edgeNonce = String(challenge['nonce']);
  const facts = { tunnelId, connectorId, connectorNonce: nonce, edgeNonce, binding: channelBinding(socket) };
  const proof = prove('connector', secret, facts);
  const ids = { tunnel: tunnelId, connector: connectorId };
  return { type: 'register', version: protocolVersion, ...ids, index, nonce, proof };
}

/** A connector that is registered, and does what the test says from then on. */
export async function registerRogue(t: TestScope, port: number, claim: Claim = {}): Promise<RogueConnector> {
  const rogue = await startRogueConnector(t, port);
  rogue.control.send(toRegistration(await rogue.control.next('challenge'), rogue.socket, claim));
  await rogue.control.next('begin');
  rogue.control.send({ type: 'ready' });
  return rogue;
}

export interface RogueEdge {
  readonly session: ClientHttp2Session;
  readonly control: RogueControl;
  readonly socket: TLSSocket;
}

/** A listener with a good certificate that hands out each connection with its control stream open, and no more. */
export async function startRogueEdge(
  t: TestScope,
): Promise<{ port: number; accept(): Promise<RogueEdge>; close(): void }> {
  const certificate = await (await testAuthority()).issue('good', { names: [edgeServerName] });
  const server = createServer({ ...certificate, ALPNProtocols: [alpn] });
  const sockets = new Set<TLSSocket>();
  const close = (): void => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  t.after(close);
  server.on('secureConnection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close,
    async accept() {
      const [socket] = (await once(server, 'secureConnection')) as [TLSSocket];
      const session = connectHttp2('https://connector', { createConnection: () => socket });
      session.on('error', () => {});
      const stream = session.request({ ':method': 'POST', ':path': controlPath }, { endStream: false });
      return { session, socket, control: new RogueControl(stream) };
    },
  };
}

/** Proves to a connector that this edge knows the secret, and so has it registered. */
export async function acceptRegistration({ control, socket }: RogueEdge, secret = secrets['home']!): Promise<void> {
  const edgeNonce = createNonce();
  control.send({ type: 'challenge', version: protocolVersion, nonce: edgeNonce });
  const { tunnel, connector, nonce } = await control.next('register');
  const facts = { tunnelId: String(tunnel), connectorId: String(connector), connectorNonce: String(nonce), edgeNonce };
  control.send({ type: 'accepted', proof: prove('edge', secret, { ...facts, binding: channelBinding(socket) }) });
}
