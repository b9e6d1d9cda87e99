// node-redis.
import { createClient } from 'redis';
import { type Driver, failureOf, isSecure, largeLength } from '../driver.ts';

export const redis: Driver = {
  package: 'redis',
  protocol: 'Redis',
  server: 'redis',
  worker: { plain: 'works', tls: 'works', ca: 'works', 'host-certificate': 'works', 'driver-certificate': 'works' },
  node: { why: 'It dials itself; no stream can be given to it.' },
  async exercise({ id, mode, host, port, password, tls }) {
    const client = createClient({
      password,
      socket: { host, port, reconnectStrategy: false, ...(isSecure(mode) ? { tls: true as const, ...tls } : {}) },
    });
    client.on('error', () => {});
    await client.connect();
    await client.set(id, 'é');
    const [read, count] = await client.multi().get(id).incr(`${id}:n`).exec();
    await client.set(id, 'x'.repeat(largeLength));
    const large = (await client.get(id))!.length;
    const { message } = await failureOf(() => client.incr(id));
    await client.del([id, `${id}:n`]);
    await client.close();
    return { read: String(read), count: Number(count), large, error: String(message).split(' ')[0]! };
  },
  expected: () => ({ read: 'é', count: 1, large: largeLength, error: 'ERR' }),
};
