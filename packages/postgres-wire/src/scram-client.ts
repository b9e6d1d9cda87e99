// The client's side of SCRAM-SHA-256: what a pooler says to an origin that asks for it.
//
//   const scram = createScramClient({ password, nonce, mechanisms, serverEndPoint });
//   send(scram.mechanism, scram.first()); send(await scram.final(serverFirst)); scram.verify(serverFinal);
import { isSameSecret } from './password.ts';
import {
  decodeBase64,
  hmac,
  parseAttributes,
  parseIterations,
  refuse,
  scramMechanism,
  scramPlusMechanism,
  sha256,
  toSaltedPassword,
  xor,
} from './scram.ts';
import { WireError } from './errors.ts';

export interface ScramClientOptions {
  password: string;
  /** Random text of printable ASCII without commas, fresh for each exchange: 24 characters of base64 will do. */
  nonce: string;
  /** What the server offers. */
  mechanisms: readonly string[];
  /** Over TLS: `toServerEndPoint()` of the server's certificate. */
  serverEndPoint?: Buffer | undefined;
  /** `require`: fail rather than go on without channel binding. Default: `prefer`. */
  channelBinding?: 'require' | 'prefer' | 'disable';
}

export interface ScramClient {
  readonly mechanism: string;
  first(): string;
  /** Answers the server's first message. Rejects with `authentication_failed` when that is not in order. */
  final(serverFirst: string): Promise<string>;
  /** Checks that the server knows the password too; a server that does not is somebody else. */
  verify(serverFinal: string): void;
}

interface Choice {
  mechanism: string;
  header: string;
  data: Buffer;
}

function choose({ mechanisms, serverEndPoint, channelBinding = 'prefer' }: ScramClientOptions): Choice {
  const canBind = serverEndPoint !== undefined && channelBinding !== 'disable';
  if (canBind && mechanisms.includes(scramPlusMechanism)) {
    return { mechanism: scramPlusMechanism, header: 'p=tls-server-end-point,,', data: serverEndPoint };
  }
  if (channelBinding === 'require') {
    throw new WireError('unsupported_authentication', 'channel binding is required, and the server does not offer it');
  }
  if (!mechanisms.includes(scramMechanism)) {
    const offered = mechanisms.map((name) => name.slice(0, 40)).join(', ');
    throw new WireError('unsupported_authentication', `the server offers none of our SASL mechanisms: ${offered}`);
  }
  // `y` tells the server that we could have bound the channel: had it offered that, somebody took it out.
  return { mechanism: scramMechanism, header: canBind ? 'y,,' : 'n,,', data: Buffer.alloc(0) };
}

export function createScramClient(options: ScramClientOptions): ScramClient {
  const { mechanism, header, data } = choose(options);
  // PostgreSQL takes the user from the StartupMessage and ignores `n`.
  const firstBare = `n=,r=${options.nonce}`;
  let signature: string | undefined;

  async function final(serverFirst: string): Promise<string> {
    const attributes = parseAttributes(serverFirst);
    const nonce = attributes.get('r') ?? '';
    if (!nonce.startsWith(options.nonce) || nonce.length === options.nonce.length) {
      throw refuse('SCRAM: the nonce of the server does not go on from ours');
    }
    const salt = decodeBase64(attributes.get('s'), 'salt');
    const salted = await toSaltedPassword(options.password, salt, parseIterations(attributes.get('i')));
    const clientKey = hmac(salted, 'Client Key');
    const binding = Buffer.concat([Buffer.from(header), data]).toString('base64');
    const withoutProof = `c=${binding},r=${nonce}`;
    const authMessage = `${firstBare},${serverFirst},${withoutProof}`;
    signature = hmac(hmac(salted, 'Server Key'), authMessage).toString('base64');
    const proof = xor(clientKey, hmac(sha256(clientKey), authMessage)).toString('base64');
    return `${withoutProof},p=${proof}`;
  }

  function verify(serverFinal: string): void {
    const attributes = parseAttributes(serverFinal);
    const error = attributes.get('e');
    if (error !== undefined) throw refuse(`SCRAM: the server says ${error.slice(0, 100)}`);
    if (signature === undefined || !isSameSecret(attributes.get('v') ?? '', signature)) {
      throw refuse('SCRAM: the server does not know the password, so it is not the server it should be');
    }
  }

  return { mechanism, first: () => header + firstBare, final, verify };
}
