// ioredis. On Node it takes a class that makes its connection.
import { AbstractConnector, Redis, type RedisOptions } from 'ioredis';
import type { OpenStream } from '../socket-stream.ts';
import { type Driver, failureOf, isSecure, largeLength } from '../driver.ts';

export const ioredis: Driver = {
  package: 'ioredis',
  protocol: 'Redis',
  server: 'redis',
  worker: { plain: 'works', tls: 'works', ca: 'works', 'host-certificate': 'works', 'driver-certificate': 'works' },
  node: { plain: 'works', tls: 'works', 'host-certificate': 'works' },
  async exercise({ id, mode, host, port, password, tls }, open) {
    const secure = isSecure(mode);
    const options: Omit<RedisOptions, 'replyMapping'> = {
      host,
      port,
      password,
      lazyConnect: true,
      retryStrategy: () => null,
      maxRetriesPerRequest: 0,
    };
    if (open) options.Connector = toConnector(() => open({ host, port, secure }));
    else if (secure) options.tls = tls;

    const client = new Redis(options);
    client.on('error', () => {});
    await client.connect();
    await client.set(id, 'é');
    const results = await client.pipeline().get(id).incr(`${id}:n`).exec();
    await client.set(id, 'x'.repeat(largeLength));
    const large = (await client.get(id))!.length;
    const { message } = await failureOf(() => client.incr(id));
    await client.del(id, `${id}:n`);
    await client.quit();
    return { results: results!.map(([, value]) => value as string), large, error: String(message).split(' ')[0]! };
  },
  expected: () => ({ results: ['é', 1], large: largeLength, error: 'ERR' }),
};

type Connector = NonNullable<RedisOptions['Connector']>;

function toConnector(open: OpenStream): Connector {
  return class extends AbstractConnector {
    constructor() {
      super(1_000);
    }

    connect(): Promise<never> {
      const stream = open() as unknown as never;
      this.stream = stream;
      return Promise.resolve(stream);
    }
  } as unknown as Connector;
}
