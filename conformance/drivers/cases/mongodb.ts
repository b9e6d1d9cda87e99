// MongoDB's driver, as far as it can be tried: neither Debian nor npm has a server.
import { MongoClient } from 'mongodb';
import type { Driver } from '../driver.ts';

const why =
  'Not tried beyond this: it is bundled, loads, dials and says when nobody listens. Neither Debian nor npm has a MongoDB server to try it against.';

export const mongodb: Driver = {
  package: 'mongodb',
  protocol: 'MongoDB',
  server: 'nobody',
  worker: { plain: { why, fails: /MongoNetworkError.*ECONNREFUSED/ } },
  node: { why: 'It makes its own sockets, several of them; no stream can be given to it.' },
  async exercise({ host, port }) {
    const client = new MongoClient(`mongodb://${host}:${port}/?directConnection=true`);
    const refused = new Promise<never>((_, reject) => {
      client.once('serverHeartbeatFailed', ({ failure }) => reject(failure));
    });
    try {
      await Promise.race([client.connect(), refused]);
      return null;
    } finally {
      await client.close();
    }
  },
  expected: () => null,
};
