// worker-mailer, which is written for the sockets API.
import { type Driver, failureOf, largeLength } from '../driver.ts';

const noCertificates = { why: 'It has no options for TLS: what is trusted is the business of the host.' };

export const workerMailer: Driver = {
  package: 'worker-mailer',
  protocol: 'SMTP submission',
  server: 'smtp',
  note: 'When the server ends the connection while an answer is waited for, it reads on without end and holds up its Worker.',
  worker: {
    plain: 'works',
    tls: 'works',
    starttls: 'works',
    ca: noCertificates,
    'host-certificate': 'works',
    'driver-certificate': noCertificates,
  },
  node: {
    why: 'It takes no stream, and runs with `node --import @sallyport/sockets/register`, as a test of that package does.',
  },
  async exercise({ start, host, port, user, password }) {
    const { WorkerMailer } = await import('worker-mailer');
    const mailer = await WorkerMailer.connect({
      host,
      port,
      secure: start === 'implicit',
      startTls: start === 'upgrade',
      credentials: { username: user, password },
      authType: 'plain',
      logLevel: 4,
    });
    const message = { from: 'a@example.com', to: 'b@example.com', subject: 'é' };
    const { message: refusal } = await failureOf(() => mailer.send({ ...message, to: 'b@refused.test', text: 'y' }));
    // Behind the refusal, so that no answer is waited for when it closes.
    await mailer.send({ ...message, text: 'x'.repeat(largeLength) });
    await mailer.close();
    return { refusal: /550/.test(String(refusal)) };
  },
  expected: () => ({ refusal: true }),
};
