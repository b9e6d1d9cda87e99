// Brings a fresh byte stream to the point where queries can be sent: TLS, StartupMessage, password, ReadyForQuery.
import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import {
  createScramClient,
  defineInspection,
  MessageReader,
  parseBackend,
  toMd5Password,
  toPassword,
  toSaslInitialResponse,
  toSaslResponse,
  toServerEndPoint,
  toSslRequest,
  toStartupMessage,
  Backend,
} from '@sallyport/postgres-wire';
import type { AuthenticationRequest, BackendMessage, ErrorReport, ScramClient } from '@sallyport/postgres-wire';
import { HyperdriveError } from '../errors.ts';
import { maxLoginBytes } from '../limits.ts';
import { isTlsAlert, toTlsError } from './origin-tls.ts';
import type { Origin } from './origin.ts';

/** A connection that is ready for queries. */
export interface LoggedIn {
  stream: Duplex;
  processId: number;
  secretKey: Buffer;
  /** As ParameterStatus told. */
  parameters: Map<string, string>;
}

const inspection = defineInspection({ side: 'backend', inspect: Object.values(Backend), wholeUpTo: maxLoginBytes });

function originProtocol(message: string, cause?: unknown): HyperdriveError {
  return new HyperdriveError('origin_protocol', message, { cause });
}

/** What binds the channel is the only way in then; a password is sent in no other. */
function checkBinding(request: AuthenticationRequest, endPoint: Buffer | undefined, hasProof: boolean): void {
  if (request.method === 'sasl' && endPoint !== undefined && request.mechanisms.includes('SCRAM-SHA-256-PLUS')) return;
  if (request.method === 'ok' ? hasProof : request.method.startsWith('sasl-')) return;
  const message = 'Server connection attempt failed: channel binding is required, and the database does not offer it';
  const remedy =
    'Let it ask for a SCRAM password over TLS, or leave channel_binding=require out of the connection string.';
  throw new HyperdriveError('origin_protocol', message, { remedy });
}

/** The next chunk, with nothing left behind on the stream; undefined at its end. */
function nextChunk(stream: Duplex): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const leave = (): void => {
      stream.off('data', settle).off('end', over).off('close', over).off('error', failed);
      stream.pause();
    };
    const settle = (chunk?: Buffer): void => {
      leave();
      resolve(chunk);
    };
    const over = (): void => settle();
    const failed = (error: Error): void => {
      leave();
      // In TLS 1.3 a server says only after the handshake that it does not like our certificate.
      reject(isTlsAlert(error) ? toTlsError(error) : toClosed(error));
    };
    stream.on('data', settle).on('end', over).on('close', over).on('error', failed);
    if (stream.destroyed || stream.readableEnded) settle();
    else stream.resume();
  });
}

function toClosed(cause?: unknown): HyperdriveError {
  return originProtocol('Server connection attempt failed: the server closed the connection', cause);
}

/** Asks for TLS and starts it; the plain stream when the origin wants none. */
export async function startEncryption(
  plain: Duplex,
  origin: Origin,
): Promise<{ stream: Duplex; serverEndPoint?: Buffer | undefined }> {
  if (origin.startTls === undefined) return { stream: plain };
  plain.write(toSslRequest());
  const answer = await nextChunk(plain);
  // One byte and no more: what follows is TLS, or somebody's attempt to put words into the server's mouth.
  if (answer?.length !== 1 || (answer[0] !== 0x53 && answer[0] !== 0x4e)) {
    throw originProtocol('Server connection attempt failed: the answer to SSLRequest is not PostgreSQL');
  }
  if (answer[0] === 0x4e) {
    if (origin.allowsPlain === true) return { stream: plain };
    throw new HyperdriveError('tls_unsupported', 'Server connection attempt failed: the server does not support TLS');
  }
  try {
    const { stream, serverCertificate } = await origin.startTls(plain);
    // Whoever made it listens no more; a login that fails is not the end of the process.
    stream.on('error', () => {});
    return { stream, serverEndPoint: serverCertificate && toServerEndPoint(serverCertificate) };
  } catch (error) {
    throw error instanceof HyperdriveError ? error : toTlsError(error);
  }
}

/** Messages as they come, one at a time. */
class Inbox {
  readonly #stream: Duplex;
  readonly #messages: BackendMessage[] = [];
  readonly #reader: MessageReader;
  #bytes = 0;

  constructor(stream: Duplex) {
    this.#stream = stream;
    this.#reader = new MessageReader(
      {
        message: (_type, bytes, start, end) => {
          this.#messages.push(parseBackend(Buffer.from(bytes.subarray(start, end))));
          return false;
        },
        large: () => {
          throw originProtocol('Server connection attempt failed: a message that is too long for a login');
        },
        pass: () => {},
      },
      inspection,
    );
  }

  async next(): Promise<BackendMessage> {
    for (;;) {
      const message = this.#messages.shift();
      if (message !== undefined) return message;
      const chunk = await nextChunk(this.#stream);
      if (chunk === undefined) throw toClosed();
      this.#bytes += chunk.length;
      if (this.#bytes > maxLoginBytes) throw originProtocol('Server connection attempt failed: a login without end');
      this.#reader.push(chunk);
    }
  }
}

/** Answers one request for a password; returns the SCRAM exchange while there is one. */
async function authenticate(
  request: AuthenticationRequest,
  { stream, origin, scram, serverEndPoint }: LoginState,
): Promise<ScramClient | undefined> {
  const { user, password } = origin;
  switch (request.method) {
    case 'ok':
      break;
    case 'cleartext':
      stream.write(toPassword(password));
      break;
    case 'md5':
      stream.write(toPassword(toMd5Password({ user, password }, request.salt)));
      break;
    case 'sasl': {
      const nonce = randomBytes(18).toString('base64');
      const { channelBinding = 'prefer' } = origin;
      const { mechanisms } = request;
      const client = createScramClient({ password, nonce, mechanisms, serverEndPoint, channelBinding });
      stream.write(toSaslInitialResponse(client.mechanism, client.first()));
      return client;
    }
    case 'sasl-continue':
      if (scram === undefined) throw originProtocol('Server connection attempt failed: SASL out of order');
      stream.write(toSaslResponse(await scram.final(request.data)));
      return scram;
    case 'sasl-final':
      if (scram === undefined) throw originProtocol('Server connection attempt failed: SASL out of order');
      scram.verify(request.data);
      break;
    default:
      throw originProtocol(`Server connection attempt failed: authentication method ${request.code} is not supported`);
  }
  return undefined;
}

interface LoginState {
  stream: Duplex;
  origin: Origin;
  scram: ScramClient | undefined;
  serverEndPoint: Buffer | undefined;
}

/** Logs in. Rejects with a `HyperdriveError` that holds the server's own words where it had some. */
export async function logIn(plain: Duplex, origin: Origin): Promise<LoggedIn> {
  try {
    return await exchange(plain, origin);
  } catch (error) {
    if (origin.explainTls === undefined || !(error instanceof HyperdriveError) || !error.code.startsWith('tls_')) {
      throw error;
    }
    const { code, message, cause, remedy } = error;
    throw new HyperdriveError(code, message, { cause, remedy: origin.explainTls(code, remedy) });
  }
}

async function exchange(plain: Duplex, origin: Origin): Promise<LoggedIn> {
  const { stream, serverEndPoint } = await startEncryption(plain, origin);
  const { user, database, applicationName = 'Sallyport Hyperdrive' } = origin;
  const inbox = new Inbox(stream);
  stream.write(toStartupMessage({ user, database, application_name: applicationName, client_encoding: 'UTF8' }));
  const parameters = new Map<string, string>();
  let key: { processId: number; secretKey: Buffer } | undefined;
  let scram: ScramClient | undefined;
  let isLetIn = false;
  let hasProof = false;
  for (;;) {
    const message = await inbox.next();
    switch (message.type) {
      case 'Authentication': {
        const wasScram = scram !== undefined;
        // A server that skips the end of SCRAM has not shown that it knows the password.
        if (message.method === 'ok' && wasScram)
          throw originProtocol('Server connection attempt failed: SASL was cut off');
        if (origin.channelBinding === 'require') checkBinding(message, serverEndPoint, hasProof);
        scram = await authenticate(message, { stream, origin, scram, serverEndPoint });
        hasProof ||= message.method === 'sasl-final';
        isLetIn ||= message.method === 'ok';
        break;
      }
      case 'ParameterStatus':
        parameters.set(message.name, message.value);
        break;
      case 'BackendKeyData':
        key = message;
        break;
      case 'ErrorResponse': {
        const report: ErrorReport = { ...message.report } as ErrorReport;
        throw new HyperdriveError('origin_refused', `Server connection attempt failed: ${report.message}`, { report });
      }
      case 'ReadyForQuery':
        if (!isLetIn) throw originProtocol('Server connection attempt failed: ready before the login was over');
        return { stream, processId: key?.processId ?? 0, secretKey: key?.secretKey ?? Buffer.alloc(4), parameters };
      default:
    }
  }
}
