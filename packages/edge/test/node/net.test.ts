// node:net in a Worker: under the policy and within the limits of connect(), and within one request.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { workerPolicy } from '@sallyport/egress';
import { startPeer, use } from '@sallyport/testkit';
import { config, startBench } from '../support/dev-bench.ts';

const files = (source: string): Record<string, string> => ({
  'wrangler.json': config({ compatibility_flags: ['nodejs_compat'] }),
  'src/index.js': `import net from 'node:net'; import tls from 'node:tls'; import { connect } from 'cloudflare:sockets'; import { once } from 'node:events';
    ${source}`,
});

test('what policy refuses is EACCES, with the reason and the remedy', async (t) => {
  const bench = await startBench(
    t,
    files(`const refused = (socket) => new Promise((resolve) => socket.on('error', ({ code, syscall, message, cause }) =>
        resolve({ code, syscall, message, cause: cause.code, text: cause.message, remedy: typeof cause.remedy })));
      export default { async fetch() { return Response.json([
        await refused(net.connect(5432, '10.0.0.1')), await refused(net.connect(25, 'mail.example.com')),
        await refused(tls.connect(443, '169.254.169.254')), await refused(net.connect(0, '127.0.0.1')) ]); } };`),
    { policy: workerPolicy },
  );
  const [private_, mail, metadata, noPort] = JSON.parse(await bench.text('/')) as Record<string, string>[];
  assert.deepEqual(private_, {
    code: 'EACCES',
    syscall: 'connect',
    message: 'connect EACCES 10.0.0.1:5432 (10.0.0.1:5432 is refused: deny private)',
    cause: 'destination_denied',
    text: 'proxy request failed, cannot connect to the specified address',
    remedy: 'string',
  });
  assert.equal(mail?.['text'], 'Connections to port 25 are prohibited');
  assert.equal(mail?.['message'], 'connect EACCES mail.example.com:25 (Connections to port 25 are prohibited)');
  assert.equal(noPort?.['message'], 'connect ECONNREFUSED 127.0.0.1:0');
  assert.deepEqual([metadata?.['code'], metadata?.['cause']], ['EACCES', 'destination_denied']);
});

test('a socket file, a descriptor and a socket of somebody else’s are refused', async (t) => {
  const bench = await startBench(
    t,
    files(`import { Duplex } from 'node:stream';
      const thrown = (act) => { try { act(); } catch (error) { return error.code; } };
      export default { fetch: () => Response.json([thrown(() => net.connect('/var/run/docker.sock')), thrown(() => net.connect({ path: '/x' })),
        thrown(() => new net.Socket({ fd: 3 })), thrown(() => tls.connect({ socket: new Duplex({ read() {}, write() {} }) })), thrown(() => new tls.TLSSocket(undefined, { isServer: true }))]) };`),
  );
  assert.deepEqual(JSON.parse(await bench.text('/')), [
    'ERR_INVALID_ARG_VALUE',
    'ERR_INVALID_ARG_VALUE',
    'ERR_INVALID_FD',
    'ERR_INVALID_ARG_VALUE',
    'ERR_OPTION_NOT_IMPLEMENTED',
  ]);
});

test('the addresses of a look-up are tried in turn, and nothing that was written is lost', async (t) => {
  const peer = await use(t, startPeer('echo'));
  const bench = await startBench(
    t,
    files(`const addresses = [{ address: '::1', family: 6 }, { address: '127.0.0.1', family: 4 }];
      const dial = async (port, more) => {
        const asked = [];
        const lookup = (name, { all }, done) => { asked.push(all); queueMicrotask(() => (all ? done(null, addresses) : done(null, addresses[1].address, 4))); };
        const socket = net.connect({ host: 'two.test', port, lookup, ...more });
        const looked = []; socket.on('lookup', (error, address) => looked.push(address));
        socket.write('hello');
        const said = await Promise.race([once(socket, 'data').then(([data]) => data.toString()), once(socket, 'error').then(([error]) => error.code)]).catch((error) => error.code);
        socket.destroy();
        return { said, asked, looked, attempted: socket.autoSelectFamilyAttemptedAddresses };
      };
      export default { async fetch() { return Response.json([await dial(${peer.port}, {}), await dial(${peer.port}, { family: 4 }), await dial(1, {})]); } };`),
  );
  const [turns, one, none] = JSON.parse(await bench.text('/')) as Record<string, unknown>[];
  const both = ['::1', '127.0.0.1'];
  const attempted = (port: number): string[] => both.map((address) => `${address}:${port}`);
  assert.deepEqual(turns, { said: 'hello', asked: [true], looked: both, attempted: attempted(peer.port) });
  assert.deepEqual(one, { said: 'hello', asked: [false], looked: ['127.0.0.1'], attempted: [] });
  assert.deepEqual(none, { said: 'ECONNREFUSED', asked: [true], looked: both, attempted: attempted(1) });
});

test('its sockets take the same slots as connect()’s, and give them back', async (t) => {
  const peer = await use(t, startPeer('echo'));
  const bench = await startBench(
    t,
    files(`export default { async fetch() {
      const open = [connect('127.0.0.1:${peer.port}')];
      for (let count = 0; count < 5; count += 1) open.push(net.connect(${peer.port}, '127.0.0.1'));
      const lastIsUp = once(open[5], 'connect');
      await open[0].opened;
      const waiting = net.connect(${peer.port}, '127.0.0.1');
      const order = [];
      const connected = once(waiting, 'connect').then(() => order.push('connected'));
      await lastIsUp;
      await once(open[5].end('x').resume(), 'close').then(() => order.push('closed'));
      await connected;
      return Response.json([order, waiting.readyState]);
    } };`),
  );
  assert.deepEqual(JSON.parse(await bench.text('/')), [['closed', 'connected'], 'open']);
});

test("another invocation's socket is destroyed with the documented error, and sends nothing", async (t) => {
  const peer = await use(t, startPeer('echo'));
  const bench = await startBench(
    t,
    files(`let kept; export default { async fetch(request, env, ctx) {
      if (request.url.endsWith('/keep')) {
        kept = net.connect(${peer.port}, '127.0.0.1');
        await once(kept, 'connect');
        ctx.waitUntil(scheduler.wait(5000));
        return new Response('kept');
      }
      kept.write('stolen');
      // Waiting for an event rejects with the error that comes first.
      const [error, first] = await Promise.all([new Promise((resolve) => kept.on('error', resolve)), once(kept, 'close').catch((error) => error)]);
      return Response.json([error.message, first === error, kept.destroyed]);
    } };`),
  );
  await bench.text('/keep');
  const [message, ...rest] = JSON.parse(await bench.text('/use')) as [string, boolean, boolean];
  assert.match(message, /^Cannot perform I\/O on behalf of a different request/);
  assert.deepEqual(rest, [true, true]);
  assert.equal(peer.received.length, 0);
});

test('what an invocation leaves open is closed when it ends', async (t) => {
  const peer = await use(t, startPeer('echo'));
  const bench = await startBench(
    t,
    files(`export default { async fetch() {
      const socket = net.connect(${peer.port}, '127.0.0.1');
      socket.write('left open');
      const [data] = await once(socket, 'data');
      return new Response(data);
    } };`),
  );
  assert.equal(await bench.text('/'), 'left open');
  await peer.next('close');
  assert.equal(peer.open.length, 0);
});

test('a peer that does not read holds the writer back', async (t) => {
  const peer = await use(t, startPeer('never-reads'));
  const bench = await startBench(
    t,
    files(`export default { async fetch() {
      const socket = net.connect(${peer.port}, '127.0.0.1');
      await once(socket, 'connect');
      const chunk = new Uint8Array(65536);
      let sent = 0;
      // What nobody takes for a quarter of a second is waiting.
      const stalled = () => Promise.race([once(socket, 'drain').then(() => false), scheduler.wait(250).then(() => true)]);
      while (sent < 400) { sent += 1; if (!socket.write(chunk) && (await stalled())) break; }
      socket.destroy();
      return Response.json(sent);
    } };`),
  );
  const sent = Number(await bench.text('/'));
  // The kernel's buffers on three connections, and ours.
  assert.ok(sent < 300, `${sent} chunks were taken`);
});

test('without Node.js compatibility nothing of it is in the bundle, and no_bundle has it too', async (t) => {
  const peer = await use(t, startPeer('echo'));
  const source = `import net from 'node:net'; import { Socket } from 'node:net'; import './other.js';
    export default { async fetch() { const socket = net.connect(${peer.port}, '127.0.0.1'); socket.write('x');
      return new Response(await new Promise((resolve) => socket.on('data', (data) => resolve(data + (socket instanceof Socket))))); } };`;
  const bench = await startBench(t, {
    'wrangler.json': config({
      compatibility_flags: ['nodejs_compat'],
      no_bundle: true,
      rules: [{ type: 'ESModule', globs: ['**/*.js'] }],
    }),
    'src/index.js': source,
    'src/other.js': 'export {};',
  });
  assert.equal(await bench.text('/'), 'xtrue');
  const { decision, kind } = await bench.gateway.next(() => true);
  assert.deepEqual([kind, decision?.verdict], ['socket', 'allow']);
});
