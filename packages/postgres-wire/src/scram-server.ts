// The server's side of SCRAM-SHA-256: how a client of the pooler proves its password. No slow step, as the verifier is
// made once; so a crowd of clients that log in does not hold up the others.
import { timingSafeEqual } from 'node:crypto';
import { MessageBody } from './message-body.ts';
import {
  decodeBase64,
  hmac,
  parseAttributes,
  refuse,
  scramMechanism,
  scramPlusMechanism,
  sha256,
  xor,
} from './scram.ts';
import type { ScramVerifier } from './scram.ts';

export interface ScramServerOptions {
  verifier: ScramVerifier;
  /** As for the client: fresh, printable, no comma. */
  nonce: string;
  /** Over TLS: `toServerEndPoint()` of our own certificate; offers channel binding. */
  serverEndPoint?: Buffer | undefined;
}

export interface ScramServer {
  /** For AuthenticationSASL. */
  readonly mechanisms: readonly string[];
  /** Answers SASLInitialResponse with the data for AuthenticationSASLContinue. */
  first(initialResponse: { mechanism: string; data: string }): string;
  /** Answers SASLResponse with the data for AuthenticationSASLFinal. Throws `authentication_failed`. */
  final(clientFinal: string): string;
}

/** Mechanism and data of a SASLInitialResponse, type byte included. */
export function parseSaslInitialResponse(message: Buffer): { mechanism: string; data: string } {
  const body = new MessageBody(message);
  const mechanism = body.text();
  const data = body.value() ?? Buffer.alloc(0);
  body.end();
  return { mechanism, data: data.toString('utf8') };
}

/** Checks the GS2 header and returns it with what is behind it. */
function splitFirst(data: string, { plus, canBind }: { plus: boolean; canBind: boolean }): [string, string] {
  const match = /^(?:(n|y)|p=([A-Za-z0-9.-]+)),(a=[^,]*)?,/.exec(data);
  if (match === null) throw refuse('SCRAM: the first message of the client has no GS2 header');
  const [header, flag, type, authorization] = match;
  if (authorization !== undefined) throw refuse('SCRAM: an authorization identity is not supported');
  if (plus !== (type !== undefined)) throw refuse('SCRAM: channel binding does not fit the mechanism');
  if (type !== undefined && type !== 'tls-server-end-point') {
    throw refuse(`SCRAM: channel binding of type ${type.slice(0, 40)} is not supported`);
  }
  if (flag === 'y' && canBind) throw refuse('SCRAM: somebody took channel binding out of what this server offers');
  return [header, data.slice(header.length)];
}

export function createScramServer({ verifier, nonce, serverEndPoint }: ScramServerOptions): ScramServer {
  const canBind = serverEndPoint !== undefined;
  const mechanisms = canBind ? [scramPlusMechanism, scramMechanism] : [scramMechanism];
  let header: string | undefined;
  let wholeNonce = '';
  let exchanged = '';

  function first({ mechanism, data }: { mechanism: string; data: string }): string {
    if (header !== undefined || !mechanisms.includes(mechanism)) throw refuse('SCRAM: a mechanism nobody offered');
    const [gs2, bare] = splitFirst(data, { plus: mechanism === scramPlusMechanism, canBind });
    const clientNonce = parseAttributes(bare).get('r') ?? '';
    if (!/^[\x21-\x2b\x2d-\x7e]{1,256}$/.test(clientNonce)) throw refuse('SCRAM: no valid nonce from the client');
    header = gs2;
    wholeNonce = clientNonce + nonce;
    const answer = `r=${wholeNonce},s=${verifier.salt.toString('base64')},i=${verifier.iterations}`;
    exchanged = `${bare},${answer}`;
    return answer;
  }

  function final(clientFinal: string): string {
    if (header === undefined) throw refuse('SCRAM: the last message came first');
    const attributes = parseAttributes(clientFinal);
    const data = header.startsWith('p') && serverEndPoint !== undefined ? serverEndPoint : Buffer.alloc(0);
    const binding = Buffer.concat([Buffer.from(header), data]).toString('base64');
    header = undefined;
    if (attributes.get('c') !== binding) throw refuse('SCRAM: the channel of the client is another than ours');
    if (attributes.get('r') !== wholeNonce) throw refuse('SCRAM: the nonce changed on the way');
    const proof = decodeBase64(attributes.get('p'), 'proof');
    const end = clientFinal.lastIndexOf(',p=');
    const authMessage = `${exchanged},${clientFinal.slice(0, end)}`;
    const clientKey = xor(hmac(verifier.storedKey, authMessage), proof);
    // Compared as hashes of equal length; a proof of another length is of another key.
    if (proof.length !== 32 || end === -1 || !timingSafeEqual(sha256(clientKey), verifier.storedKey)) {
      throw refuse('password authentication failed');
    }
    return `v=${hmac(verifier.serverKey, authMessage).toString('base64')}`;
  }

  return { mechanisms, first, final };
}
