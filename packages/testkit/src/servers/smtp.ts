// A private server for mail submission (`smtp-server`), which keeps nothing: its answer says what it was given.
//
// `await use(t, startSmtp())`. A message is answered `250 2.0.0 {json}` (`SmtpReceipt`); anybody at `refused.test` is unknown.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import type { RunningServer, ServerTls } from './server.ts';

export interface SmtpOptions {
  /** Default `sallyport`. */
  user?: string;
  /** Default `secret`. */
  password?: string;
  /** Offers STARTTLS, and lets nobody log in before it; with `clientCa`, wants a client certificate. */
  tls?: ServerTls;
  /** Speaks TLS from the first byte. Default: false. */
  implicit?: boolean;
}

/** What the server got. */
export interface SmtpReceipt {
  bytes: number;
  /** How often the letter that is most frequent comes, as a check of the content in any encoding that keeps letters. */
  most: number;
  user: string;
  secure: boolean;
}

export interface SmtpServer extends RunningServer {
  user: string;
  password: string;
}

/** The longest message, in bytes. */
const maxMessage = 8 * 1024 * 1024;

function toOptions(options: SmtpOptions, user: string, password: string): SMTPServerOptions {
  const { tls, implicit = false } = options;
  return {
    authMethods: ['PLAIN', 'LOGIN'],
    allowInsecureAuth: tls === undefined,
    disabledCommands: tls === undefined || implicit ? ['STARTTLS'] : [],
    secure: implicit,
    size: maxMessage,
    disableReverseLookup: true,
    logger: false,
    ...tls?.certificate,
    ...(tls?.clientCa !== undefined && { ca: tls.clientCa, requestCert: true, rejectUnauthorized: true }),
    onAuth(given, _, done) {
      if (given.username === user && given.password === password) return done(null, { user });
      done(Object.assign(new Error('Invalid username or password'), { responseCode: 535 }));
    },
    onRcptTo({ address }, _, done) {
      if (!address.endsWith('@refused.test')) return done();
      done(Object.assign(new Error('No such user here'), { responseCode: 550 }));
    },
    onData(stream, session, done) {
      const counts = new Map<number, number>();
      let bytes = 0;
      stream.on('data', (piece: Buffer) => {
        bytes += piece.length;
        for (const byte of piece) counts.set(byte, (counts.get(byte) ?? 0) + 1);
      });
      stream.on('end', () => {
        const receipt: SmtpReceipt = {
          bytes,
          most: Math.max(...counts.values()),
          user: String(session.user),
          secure: session.secure,
        };
        // smtp-server takes a string for the text of the reply.
        (done as (error: null, message: string) => void)(null, JSON.stringify(receipt));
      });
    },
  };
}

export async function startSmtp(options: SmtpOptions = {}): Promise<SmtpServer> {
  const { user = 'sallyport', password = 'secret' } = options;
  const server = new SMTPServer(toOptions(options, user, password));
  let log = '';
  server.on('error', (error) => (log += `${error.message}\n`));
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> => (stopping ??= new Promise((resolve) => server.close(resolve)));
  return {
    host: '127.0.0.1',
    port: (server.server.address() as AddressInfo).port,
    user,
    password,
    directory: '',
    get log() {
      return log;
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
