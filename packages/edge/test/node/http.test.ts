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

test('a check of the certificate that node:https could not make is refused, and not skipped', async (t) => {
  const { ca, issue } = await testAuthority();
  const port = await listen(t, createHttpsServer(await issue('good'), answer));
  const bench = await startBench(
    t,
    {
      'wrangler.json': config({ compatibility_flags: ['nodejs_compat'] }),
      'src/index.js': `import https from 'node:https'; import tls from 'node:tls';
        const pin = (host, { fingerprint256 }) => fingerprint256 === 'AA:BB' ? undefined : new Error('not the pinned one');
        const given = {
          pin: { checkServerIdentity: pin },
          agent: { agent: new https.Agent({ checkServerIdentity: pin }) },
          throws: { checkServerIdentity: (host, certificate) => { if (certificate.raw.length !== 1) throw new Error('no'); } },
          crl: { crl: 'revoked' },
          none: { checkServerIdentity: () => undefined },
          usual: { checkServerIdentity: tls.checkServerIdentity },
        };
        const ask = (options) => new Promise((resolve) => {
          try {
            const outgoing = https.get({ host: 'localhost', port: ${port}, ...options }, (response) => { response.resume(); resolve(response.statusCode); });
            outgoing.on('error', (error) => resolve(error.message));
          } catch ({ code }) { resolve(code); }
        });
        export default { fetch: async () => Response.json({
          ...Object.fromEntries(await Promise.all(Object.entries(given).map(async ([name, options]) => [name, await ask(options)]))),
          tls: await new Promise((resolve) => { try { tls.connect({ host: 'localhost', port: ${port}, crl: 'x' }, resolve); } catch ({ code }) { resolve(code); } }),
        }) };`,
    },
    { authorities: [{ pem: ca }] },
  );
  const refused = 'ERR_OPTION_NOT_IMPLEMENTED';
  assert.deepEqual(JSON.parse(await bench.text('/')), {
    pin: refused,
    agent: refused,
    throws: refused,
    crl: refused,
    none: 200,
    usual: 200,
    tls: refused,
  });
});
