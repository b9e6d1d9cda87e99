// The edge's part of registration: a challenge, the connector's proof, and an answer, all within one time limit.
import { randomBytes } from 'node:crypto';
import { connect as connectHttp2 } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import type { Clock } from '@sallyport/egress';
import { ControlChannel, type Message } from '../link/control-channel.ts';
import { destroySession } from '../link/destroy-session.ts';
import { channelBinding, createNonce, isProof, prove } from '../link/proof.ts';
import { controlPath, maxHeaderBytes, protocolVersion, refusalTimeout, registrationTimeout } from '../link/protocol.ts';
import { TunnelError, type TunnelErrorCode } from '../link/tunnel-error.ts';
import { maxSessionMemory, sessionWindow, streamWindow } from '../link/windows.ts';
import { EdgeLink } from './edge-link.ts';
import type { ClientInfo, EdgeLinkOptions, LinkIdentity } from './link-identity.ts';

/** The secret of a tunnel; undefined when there is no such tunnel or it was revoked. */
export type FindSecret = (tunnelId: string) => Promise<Uint8Array | undefined>;

export interface RegisterOptions extends EdgeLinkOptions {
  findSecret: FindSecret;
  clock: Clock;
  registrationTimeout?: number | undefined;
  /** Why a connector that proved itself may have no link; undefined when it may. */
  admit?: ((identity: LinkIdentity) => TunnelErrorCode | undefined) | undefined;
  /** Counts revocations: a secret that was looked up before the last one is looked up again. */
  revocations?: (() => number) | undefined;
}

/** Longest version and architecture a connector may claim, in characters. */
const maxClaim = 64;

/** Links of one connector that are told apart, from 0. */
const maxIndex = 255;

const idPattern = /^[\w-]{1,64}$/;

/** Speaks first on an accepted connection. Rejects with why there is no link; the connection is closed then. */
export function register(socket: TLSSocket, options: RegisterOptions): Promise<EdgeLink> {
  const session = connectHttp2('https://connector.sallyport', {
    createConnection: () => socket,
    maxSessionMemory,
    settings: { initialWindowSize: streamWindow, enablePush: false, maxHeaderListSize: maxHeaderBytes },
  });
  return new Promise((resolve, reject) => {
    let settled = false;
    const fail = (error: TunnelError, last?: ControlChannel): void => {
      if (settled) return;
      settled = true;
      cancel();
      reject(error);
      // A refusal must arrive before the connection goes, but a peer that reads nothing is not waited for.
      const told = last?.send({ type: 'refused', code: error.code }, () => session.close(() => socket.destroy()));
      if (told !== true) destroySession(session, socket);
      else {
        const stop = options.clock.after(refusalTimeout, () => destroySession(session, socket));
        socket.once('close', stop);
      }
    };
    const cancel = options.clock.after(options.registrationTimeout ?? registrationTimeout, () =>
      fail(new TunnelError('registration_timeout', 'the connector did not register')),
    );
    // Bytes that are no HTTP/2 end the session without an error that says so.
    let spoken = false;
    session.once('remoteSettings', () => (spoken = true));
    const lost = (): void =>
      fail(
        spoken
          ? new TunnelError('link_lost', 'before it was registered')
          : new TunnelError('protocol_error', 'no HTTP/2 server answered'),
      );
    session.on('error', (cause) => fail(new TunnelError('protocol_error', cause.message, { cause })));
    socket.once('close', lost);
    session.once('connect', () => session.setLocalWindowSize(sessionWindow));
    const stream = session.request({ ':method': 'POST', ':path': controlPath }, { endStream: false });
    const edgeNonce = createNonce();
    let judging = false;
    const control = new ControlChannel(stream, {
      message: (message) => {
        if (judging) return fail(new TunnelError('protocol_error', 'more than one registration'), control);
        judging = true;
        judge(message, edgeNonce, socket, options).then(
          (judged) => {
            if (settled) return;
            if ('refusal' in judged) return fail(new TunnelError(judged.refusal, judged.detail), control);
            settled = true;
            cancel();
            control.send({ type: 'accepted', proof: judged.proof });
            resolve(new EdgeLink({ session, control, socket }, judged, options));
          },
          (cause: unknown) => fail(new TunnelError('link_lost', 'the secret could not be looked up', { cause })),
        );
      },
      ended: (error) => (error.code === 'link_lost' ? lost() : fail(error)),
    });
    control.send({ type: 'challenge', version: protocolVersion, nonce: edgeNonce });
  });
}

type Judged = (LinkIdentity & { proof: string }) | { refusal: TunnelErrorCode; detail: string };

async function judge(
  message: Message,
  edgeNonce: string,
  socket: TLSSocket,
  options: RegisterOptions,
): Promise<Judged> {
  const { type, version, tunnel: tunnelId, connector: connectorId, nonce: connectorNonce, index, proof } = message;
  if (type !== 'register') return { refusal: 'protocol_error', detail: 'the first message is not a registration' };
  if (version !== protocolVersion) return { refusal: 'unsupported_version', detail: `not ${protocolVersion}` };
  if (![tunnelId, connectorId, connectorNonce].every(isId) || !isIndex(index)) {
    return { refusal: 'protocol_error', detail: 'malformed id' };
  }
  const named = { tunnelId: String(tunnelId), connectorId: String(connectorId) };
  const facts = { ...named, binding: channelBinding(socket), edgeNonce, connectorNonce: String(connectorNonce) };
  const secret = await currentSecret(named.tunnelId, options);
  // An unknown tunnel costs the same work and gets the same answer as a wrong secret.
  const right = isProof(proof, prove('connector', secret ?? randomBytes(32), facts));
  if (secret === undefined || !right) return { refusal: 'unauthorized', detail: `tunnel ${named.tunnelId}` };
  const remoteAddress = (socket.remoteAddress ?? '').replace(/^::ffff:(?=\d+\.)/, '');
  const identity = { ...named, index, client: readClient(message['client']), remoteAddress };
  const refusal = options.admit?.(identity);
  if (refusal !== undefined) return { refusal, detail: `tunnel ${named.tunnelId}` };
  return { ...identity, proof: prove('edge', secret, facts) };
}

/** A secret that was good when the look-up ended, not only when it began. */
async function currentSecret(tunnelId: string, options: RegisterOptions): Promise<Uint8Array | undefined> {
  const { findSecret, revocations = () => 0 } = options;
  for (;;) {
    const before = revocations();
    const secret = await findSecret(tunnelId);
    if (revocations() === before) return secret;
  }
}

function isId(value: unknown): boolean {
  return typeof value === 'string' && idPattern.test(value);
}

function isIndex(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= maxIndex;
}

/** A claim for people to read, cut and stripped to what is printable; it decides nothing. */
function readClient(claimed: unknown): ClientInfo {
  const { version, arch } = (typeof claimed === 'object' && claimed !== null ? claimed : {}) as Record<string, unknown>;
  return { version: clean(version), arch: clean(arch) };
}

function clean(claimed: unknown): string {
  return typeof claimed === 'string' ? claimed.slice(0, maxClaim).replace(/[^\x21-\x7e]/g, '') : '';
}
