// Where the front listens, and what it says when it cannot.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { test } from 'node:test';
import { toUrl } from '../../src/front/listen.ts';
import { startFront } from '../support/front-bench.ts';

async function status(host: string, port: number): Promise<string> {
  const socket = connect({ host, port });
  socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  const [answer] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  return answer.toString().slice(9, 12);
}

test('localhost listens on both loopback addresses, on the same port', async (t) => {
  const { front, use: begin } = await startFront(t, undefined, { host: 'localhost' });
  begin();
  assert.deepEqual(front.addresses, ['127.0.0.1', '::1']);
  assert.equal(front.url, `http://localhost:${front.port}`);
  assert.deepEqual(await Promise.all(front.addresses.map((address) => status(address, front.port))), ['200', '200']);
  await front.close();
  for (const host of front.addresses) {
    const socket = connect({ host, port: front.port });
    await assert.rejects(once(socket, 'connect'), { code: 'ECONNREFUSED' });
  }
});

test('an IPv6 address can be listened on, and is in the URL', async (t) => {
  const { front, use: begin } = await startFront(t, undefined, { host: '::1' });
  begin();
  assert.equal(front.url, `http://[::1]:${front.port}`);
  assert.equal((await fetch(front.url)).status, 200);
});

test('a port that is taken on either loopback address is refused for localhost', async (t) => {
  for (const host of ['127.0.0.1', '::1']) {
    const holder = createServer();
    await new Promise<void>((resolve) => {
      holder.listen(0, host, resolve);
    });
    t.after(() => void holder.close());
    const { port } = holder.address() as { port: number };
    await assert.rejects(startFront(t, undefined, { host: 'localhost', port }), { code: 'EADDRINUSE' });
  }
});

test('the address to open is one that a browser can', () => {
  assert.equal(toUrl('0.0.0.0', { addresses: ['0.0.0.0'], port: 1 }), 'http://localhost:1');
  assert.equal(toUrl('::', { addresses: ['::'], port: 1 }), 'http://localhost:1');
  assert.equal(toUrl('box', { addresses: ['10.0.0.1'], port: 1 }), 'http://10.0.0.1:1');
});
