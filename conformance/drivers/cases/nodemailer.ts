// Nodemailer: a message of 1 MiB by submission, with a login.
import { createTransport } from 'nodemailer';
import type SMTPTransport from 'nodemailer/lib/smtp-transport';
import { type Driver, failureOf, isSecure, largeLength, type Target } from '../driver.ts';
import type { OpenStream } from '../socket-stream.ts';

const ownTls = {
  why: "The driver's own TLS runs over our stream, in this process: what it trusts is its own `tls` option.",
};

function toOptions({ start, host, port, user, password, tls }: Target, open?: OpenStream): SMTPTransport.Options {
  const secure = start === 'implicit';
  return {
    host,
    port,
    secure,
    requireTLS: start === 'upgrade',
    auth: { user, pass: password },
    tls,
    ...(open && {
      getSocket: (_: unknown, done: (error: Error | null, given: object) => void) => {
        const connection = open({ host, port, secure });
        const fail = (error: Error): void => done(error, {});
        connection.once('error', fail);
        connection.once('connect', () => {
          connection.off('error', fail);
          done(null, secure ? { connection, secured: true } : { connection });
        });
      },
    }),
  } as SMTPTransport.Options;
}

export const nodemailer: Driver = {
  package: 'nodemailer',
  protocol: 'SMTP submission',
  server: 'smtp',
  worker: {
    plain: 'works',
    tls: 'works',
    starttls: 'works',
    ca: 'works',
    'host-certificate': 'works',
    'driver-certificate': 'works',
  },
  node: {
    plain: 'works',
    tls: 'works',
    starttls: ownTls,
    ca: 'works',
    'host-certificate': ownTls,
    'driver-certificate': 'works',
  },
  async exercise(target, open) {
    const transport = createTransport(toOptions(target, open));
    const message = { from: 'a@example.com', to: 'b@example.com', subject: 'é' };
    const text = `${'x'.repeat(70)}\r\n`.repeat(Math.ceil(largeLength / 70));
    const { response } = await transport.sendMail({ ...message, text });
    const receipt = JSON.parse(response.slice(response.indexOf('{'))) as {
      most: number;
      user: string;
      secure: boolean;
    };
    const unknown = await failureOf(() => transport.sendMail({ ...message, to: 'b@refused.test', text: '' }));
    transport.close();
    return {
      large: receipt.most >= largeLength,
      user: receipt.user,
      secure: receipt.secure,
      refusal: [unknown['code'] as string, unknown['responseCode'] as number],
    };
  },
  expected: (mode) => ({ large: true, user: 'sallyport', secure: isSecure(mode), refusal: ['EENVELOPE', 550] }),
};
