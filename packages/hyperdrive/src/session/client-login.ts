// How a client gets in: start-up packets, its password, and which settings it asks for.
import { randomBytes } from 'node:crypto';
import {
  createScramServer,
  isSameSecret,
  negotiateVersion,
  parseOptions,
  parseSaslInitialResponse,
  StartupReader,
  toAuthenticationCleartext,
  toAuthenticationOk,
  toAuthenticationSasl,
  toAuthenticationSaslContinue,
  toAuthenticationSaslFinal,
  toNegotiateProtocolVersion,
  toScramVerifier,
  encryptionAnswer,
  WireError,
} from '@sallyport/postgres-wire';
import type { ScramServer, ScramVerifier, StartupRequest } from '@sallyport/postgres-wire';
import { HyperdriveError } from '../errors.ts';

/** Who may come in, and as whom. The origin never sees these. */
export interface ClientCredentials {
  user: string;
  database: string;
  password: string;
  /** Made once from the password, by `createClientCredentials()`; only for SCRAM. */
  verifier?: ScramVerifier | undefined;
  /**
   * `cleartext` costs a client nothing and is right where nobody can listen: a unix socket, loopback. Default:
   * `scram-sha-256`.
   */
  auth?: 'scram-sha-256' | 'cleartext' | 'trust';
}

/** Credentials that can be used at once, any number of times. */
export async function createClientCredentials(
  credentials: Omit<ClientCredentials, 'verifier'>,
): Promise<ClientCredentials> {
  const { auth = 'scram-sha-256', password } = credentials;
  if (auth !== 'scram-sha-256') return { ...credentials };
  return { ...credentials, verifier: await toScramVerifier(password, { salt: randomBytes(16) }) };
}

export type LoginOutcome =
  | { kind: 'cancel'; processId: number; secretKey: Buffer }
  | {
      kind: 'in';
      settings: string;
      minor: number;
      /** What tells the client that it is in; not written yet, so that it can go out with what follows. */
      answer: Buffer;
      /** What the client sent behind its password. */
      rest: Buffer;
    };

type Step = 'startup' | 'cleartext' | 'sasl-initial' | 'sasl-response';

/** Settings that are not for the origin: it has its own user, and its own name for us. */
const notSettings = new Set(['user', 'database', 'options', 'replication', 'application_name']);

/** As an escape string, which means the same whatever the server's `standard_conforming_strings` is. */
const quote = (text: string): string => `E'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;

/** What the client wants set, as SQL; settings that are so already are left out. */
export function toSettings(parameters: ReadonlyMap<string, string>): string {
  const wanted = new Map(parseOptions(parameters.get('options') ?? ''));
  for (const [name, value] of parameters) {
    if (!notSettings.has(name) && !name.startsWith('_pq_.')) wanted.set(name.toLowerCase(), value);
  }
  const statements: string[] = [];
  for (const [name, value] of [...wanted].sort(([one], [other]) => (one < other ? -1 : 1))) {
    if (name === 'client_encoding' && /^utf-?8$/i.test(value)) continue;
    if (!/^[a-z_][\w.]*$/i.test(name)) throw new WireError('invalid_options', `invalid name of a setting: ${name}`);
    // Not SET: there a list such as search_path would be one name.
    statements.push(`SELECT pg_catalog.set_config(${quote(name)}, ${quote(value)}, false)`);
  }
  return statements.join('; ');
}

export class ClientLogin {
  readonly #credentials: ClientCredentials;
  readonly #write: (bytes: Buffer) => void;
  readonly #reader = new StartupReader();
  #step: Step = 'startup';
  #startup: (StartupRequest & { kind: 'startup' }) | undefined;
  #scram: ScramServer | undefined;
  #held: Buffer = Buffer.alloc(0);
  #minor = 0;

  constructor(credentials: ClientCredentials, write: (bytes: Buffer) => void) {
    this.#credentials = credentials;
    this.#write = write;
  }

  /** Reads what the client sent; returns how the login ended, once it has. Throws `WireError` or `HyperdriveError`. */
  push(chunk: Buffer): LoginOutcome | undefined {
    if (this.#step !== 'startup') return this.#answer(chunk);
    for (let request = this.#reader.push(chunk); request !== undefined; request = this.#reader.push()) {
      if (request.kind === 'cancel') return request;
      if (request.kind === 'direct-tls') throw new WireError('invalid_startup', 'TLS is not offered here');
      if (request.kind === 'startup') return this.#begin(request);
      this.#write(encryptionAnswer.no);
    }
    return undefined;
  }

  #begin(startup: StartupRequest & { kind: 'startup' }): LoginOutcome | undefined {
    this.#startup = startup;
    const { minor, unrecognised, needed } = negotiateVersion(startup);
    this.#minor = minor;
    if (needed) this.#write(toNegotiateProtocolVersion(minor, unrecognised));
    if ((startup.parameters.get('replication') ?? 'false') !== 'false') {
      throw new HyperdriveError('unsupported', 'Replication does not go through a pool');
    }
    const { auth = 'scram-sha-256', verifier } = this.#credentials;
    if (auth === 'trust') return this.#letIn(this.#reader.rest());
    if (auth === 'cleartext') {
      this.#step = 'cleartext';
      this.#write(toAuthenticationCleartext());
    } else {
      this.#step = 'sasl-initial';
      this.#scram = createScramServer({ verifier: verifier!, nonce: randomBytes(18).toString('base64') });
      this.#write(toAuthenticationSasl(this.#scram.mechanisms));
    }
    const rest = this.#reader.rest();
    return rest.length > 0 ? this.#answer(rest) : undefined;
  }

  /** A password or a SASL message: nothing else may come before the login is over. */
  #answer(chunk: Buffer): LoginOutcome | undefined {
    this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    if (this.#held.length < 5) return undefined;
    const length = this.#held.readUInt32BE(1);
    if (this.#held[0] !== 0x70 || length < 4 || length > 65_535) {
      throw new WireError('invalid_startup', `expected a password, and got message type ${this.#held[0]}`);
    }
    if (this.#held.length < length + 1) return undefined;
    const message = this.#held.subarray(0, length + 1);
    this.#held = this.#held.subarray(length + 1);
    switch (this.#step) {
      case 'cleartext':
        if (!isSameSecret(message.toString('utf8', 5, message.length - 1), this.#credentials.password)) {
          throw this.#refused();
        }
        return this.#letIn(this.#held);
      case 'sasl-initial':
        this.#step = 'sasl-response';
        this.#write(toAuthenticationSaslContinue(this.#scram!.first(parseSaslInitialResponse(message))));
        return this.#held.length > 0 ? this.#answer(Buffer.alloc(0)) : undefined;
      default:
        return this.#letIn(this.#held, toAuthenticationSaslFinal(this.#finalOf(message)));
    }
  }

  #finalOf(message: Buffer): string {
    try {
      return this.#scram!.final(message.toString('utf8', 5));
    } catch (error) {
      throw this.#refused(error);
    }
  }

  #letIn(rest: Buffer, before?: Buffer): LoginOutcome {
    const { parameters } = this.#startup!;
    const { user, database } = this.#credentials;
    // After the password, so that nobody learns which names there are.
    if (parameters.get('user') !== user) throw this.#refused();
    const wanted = parameters.get('database') ?? parameters.get('user')!;
    if (wanted !== database) throw new HyperdriveError('unknown_database', `database "${wanted}" does not exist`);
    const settings = toSettings(parameters);
    const ok = toAuthenticationOk();
    const answer = before === undefined ? ok : Buffer.concat([before, ok]);
    return { kind: 'in', settings, minor: this.#minor, answer, rest };
  }

  #refused(cause?: unknown): HyperdriveError {
    const user = this.#startup?.parameters.get('user') ?? '';
    return new HyperdriveError('authentication_failed', `password authentication failed for user "${user}"`, { cause });
  }
}
