// The load: undici, straight to the service or to a Worker. Its figures are milliseconds.
import { Agent, fetch, request } from 'undici';
import { print, serveOrders } from '../../kit/orders.ts';

const agent = new Agent({ keepAliveTimeout: 600_000, headersTimeout: 180_000, bodyTimeout: 180_000 });

interface Target {
  url: string;
  /** Of the Host field, where it is not the URL's. */
  hostname?: string;
}

interface Small {
  by: 'fetch' | 'request';
  count: number;
  concurrency: number;
  bytes: number;
}

function ask({ url, hostname }: Target) {
  return request(url, { dispatcher: agent, ...(hostname === undefined ? {} : { headers: { host: hostname } }) });
}

async function check(target: Target, bytes: number): Promise<void> {
  const { statusCode, body } = await ask(target);
  const { byteLength } = await body.arrayBuffer();
  if (statusCode !== 200 || byteLength !== bytes) throw new Error(`${target.url}: ${statusCode}, ${byteLength} bytes`);
}

/** As a Worker does it. */
async function checkFetch({ url }: Target, bytes: number): Promise<void> {
  const response = await fetch(url, { dispatcher: agent });
  const { byteLength } = await response.arrayBuffer();
  if (!response.ok || byteLength !== bytes) throw new Error(`${url}: ${response.status}, ${byteLength} bytes`);
}

async function time(work: () => Promise<unknown>): Promise<{ milliseconds: number }> {
  const startedAt = performance.now();
  await work();
  return { milliseconds: performance.now() - startedAt };
}

serveOrders({
  /** Straight to the service, `concurrency` at a time. */
  small: ({ by, count, concurrency, bytes, ...target }: Target & Small) => {
    const once = by === 'fetch' ? checkFetch : check;
    let left = count;
    const work = async (): Promise<void> => {
      while (left > 0) {
        left -= 1;
        await once(target, bytes);
      }
    };
    return time(() => Promise.all(Array.from({ length: concurrency }, work)));
  },

  /** Requests to a Worker that does the work itself and answers with the bytes it got. */
  worker: ({ invocations, bytes, ...target }: Target & { invocations: number; bytes: number }) => {
    const one = async (): Promise<void> => {
      const { statusCode, body } = await ask(target);
      const text = await body.text();
      if (statusCode !== 200 || (JSON.parse(text) as { bytes: number }).bytes !== bytes)
        throw new Error(`${target.url}: ${statusCode} ${text.slice(0, 200)}`);
    };
    return time(() => Promise.all(Array.from({ length: invocations }, one)));
  },

  /** Reads a long body and keeps nothing of it. */
  large: ({ bytes, ...target }: Target & { bytes: number }) =>
    time(async () => {
      const { statusCode, body } = await ask(target);
      let left = bytes;
      body.on('data', (chunk: Buffer) => (left -= chunk.length));
      await new Promise<void>((resolve, reject) => body.on('end', resolve).on('error', reject));
      if (statusCode !== 200 || left !== 0) throw new Error(`${target.url}: ${statusCode}, ${left} bytes are missing`);
    }),
});
print({});
