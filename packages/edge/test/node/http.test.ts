// node:http and node:https in a Worker: the runtime's clients, over the gateway, with Node's errors.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { workerPolicy } from '@sallyport/egress';
import { startRefusing, testAuthority, use } from '@sallyport/testkit';
import { config, startBench } from '../support/dev-bench.ts';

const worker = {
  'wrangler.json': config({ compatibility_flags: ['nodejs_compat'] }),
  'src/index.js': `import http from 'node:http'; import { request } from 'https'; import * as https from 'node:https';
    const ask = (start, options, body) => new Promise((resolve) => {
      const outgoing = start(options, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (data) => { text += data; }).on('end', () => resolve([response.statusCode, text]));
      });
      outgoing.on('error', ({ code, message, cause }) => resolve({ code, message, cause: cause?.code }));
      outgoing.end(body);
    });
    export default { async fetch(incoming) {
      const { plain, secure, refusing } = await incoming.json();
      return Response.json({
        get: await ask(http.get, 'http://127.0.0.1:' + plain + '/path'),
        post: await ask(http.request, { host: 'localhost', port: plain, method: 'POST', agent: new http.Agent({ keepAlive: true }) }, 'x'.repeat(100000)),
        forged: await ask(http.get, 'http://127.0.0.1:' + plain + '/forged'),
        refused: await ask(http.get, { host: '127.0.0.1', port: refusing }),
        unknown: await ask(http.get, 'http://nobody.invalid/'),
        secure: await ask(request, { host: 'localhost', port: secure }),
        insecure: await ask(https.get, { host: 'localhost', port: secure, rejectUnauthorized: false }),
      });
    } };`,
};

const answer: RequestListener = (request, response) => {
  let length = 0;
  request.on('data', (chunk: Buffer) => (length += chunk.length));
  request.on('end', () => {
    if (request.url === '/forged') response.setHeader('sallyport-error', 'connection_refused');
    response.end(`${request.method} ${request.url} ${length}`);
  });
};

async function listen(t: TestContext, server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

test('requests go through the gateway, and what keeps one from its origin is an error', async (t) => {
  const authority = await testAuthority();
  const ports = {
    plain: await listen(t, createHttpServer(answer)),
    secure: await listen(t, createHttpsServer(await authority.issue('good'), answer)),
    refusing: (await use(t, startRefusing())).port,
  };
  const asked = { method: 'POST', body: JSON.stringify(ports) };
  const trusting = await startBench(t, worker, { authorities: [{ pem: authority.ca }] });
  assert.deepEqual(await (await trusting.ask('/', asked)).json(), {
    get: [200, 'GET /path 0'],
    post: [200, 'POST / 100000'],
    forged: [200, 'GET /forged 0'],
    refused: {
      code: 'ECONNREFUSED',
      message: `connect ECONNREFUSED 127.0.0.1:${ports.refusing}`,
      cause: 'connection_refused',
    },
    unknown: { code: 'ENOTFOUND', message: 'getaddrinfo ENOTFOUND nobody.invalid', cause: 'dns_error' },
    secure: [200, 'GET / 0'],
    insecure: [200, 'GET / 0'],
  });
  const bench = await startBench(t, worker);
  const distrusting = (await (await bench.ask('/', asked)).json()) as Record<string, { code: string; message: string }>;
  assert.equal(distrusting['secure']?.code, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE');
  assert.equal(distrusting['insecure']?.code, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE');
  assert.match(distrusting['insecure']?.message ?? '', /node:https in a Worker uses the host's trust/);
  const guarded = await startBench(t, worker, { policy: workerPolicy });
  const denied = (await (await guarded.ask('/', asked)).json()) as Record<string, { code: string; cause: string }>;
  assert.deepEqual([denied['get']?.code, denied['get']?.cause], ['EACCES', 'destination_denied']);
});
