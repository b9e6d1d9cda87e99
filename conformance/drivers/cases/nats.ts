// NATS, whose TLS begins behind the server's first line.
import { connect } from '@nats-io/transport-node';
import { type Driver, failureOf, isSecure, largeLength } from '../driver.ts';

export const nats: Driver = {
  package: '@nats-io/transport-node',
  protocol: 'NATS',
  server: 'nats',
  worker: {
    plain: 'works',
    starttls: 'works',
    ca: 'works',
    'host-certificate': 'works',
    'driver-certificate': 'works',
  },
  node: { why: 'It dials itself; no stream can be given to it.' },
  async exercise({ id, mode, host, port, user, password, tls }) {
    const connection = await connect({
      servers: `${host}:${port}`,
      user,
      pass: password,
      reconnect: false,
      ...(isSecure(mode) && { tls }),
    });
    const subscription = connection.subscribe(id, { callback: (_, message) => void message.respond(message.data) });
    const answer = await connection.request(id, 'é', { timeout: 10_000 });
    const large = await connection.request(id, 'x'.repeat(largeLength), { timeout: 10_000 });
    subscription.unsubscribe();
    const { cause } = await failureOf(() => connection.request(id, '', { timeout: 10_000 }));
    await connection.close();
    return { answer: answer.string(), large: large.data.length, error: (cause as Error).name };
  },
  expected: () => ({ answer: 'é', large: largeLength, error: 'NoResponders' }),
};
