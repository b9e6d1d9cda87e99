// node:tls in a Worker: the edge makes the handshake, with the host's trust or the program's own, from the start or
// behind what was said in the clear.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAuthority, startPeer, startStartTlsPeer, testAuthority, use } from '@sallyport/testkit';
import { config, type DevBench, startBench } from '../support/dev-bench.ts';

const wrangler = config({ compatibility_flags: ['nodejs_compat'] });

const worker = {
  'wrangler.json': wrangler,
  'src/index.js': `import tls from 'node:tls';
    import { connect } from 'tls';
    export default { async fetch(request, env) {
      const { text = 'hello', ...options } = await request.json();
      return new Promise((resolve) => {
        const socket = (options.port % 2 ? tls.connect : connect)(options);
        let received = '';
        socket.setEncoding('utf8');
        socket.on('secureConnect', () => {
          const { authorized, encrypted, alpnProtocol, remoteAddress, servername } = socket;
          const { subject, raw, fingerprint256, subjectaltname } = socket.getPeerCertificate();
          socket.info = { authorized, encrypted, alpnProtocol, remoteAddress, servername, protocol: socket.getProtocol(),
            cipher: typeof socket.getCipher().name, subject, raw: raw?.length > 100, fingerprint256: fingerprint256?.length, subjectaltname };
          socket.write(text);
        });
        socket.on('data', (data) => { received += data; if (received.length >= text.length) socket.end(); });
        socket.on('error', (error) => resolve(Response.json({ code: error.code, message: error.message, cause: error.cause?.code, remedy: error.cause?.remedy })));
        socket.on('close', () => resolve(Response.json({ ...socket.info, received })));
      });
    } };`,
};

type Options = Record<string, unknown>;

async function ask(bench: DevBench, options: Options): Promise<Options> {
  const response = await bench.ask('/', { method: 'POST', body: JSON.stringify(options) });
  return (await response.json()) as Options;
}

test('tls.connect() verifies with the host’s trust, and tells what the handshake was like', async (t) => {
  const authority = await testAuthority();
  const certificate = await authority.issue('good');
  const peer = await use(t, startPeer('echo', { tls: { certificate, alpn: ['echo/2', 'echo/1'] } }));
  const bench = await startBench(t, worker, { authorities: [{ pem: authority.ca }] });
  const answer = await ask(bench, { port: peer.port, host: 'localhost', ALPNProtocols: ['echo/1'] });
  assert.deepEqual(answer, {
    authorized: true,
    encrypted: true,
    alpnProtocol: 'echo/1',
    remoteAddress: '127.0.0.1',
    servername: false,
    protocol: 'TLSv1.3',
    cipher: 'string',
    subject: { CN: 'localhost' },
    raw: true,
    fingerprint256: 95,
    subjectaltname: 'DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1',
    received: 'hello',
  });
});

test('authorities, certificate and key that a program brings are used, and bring what Node’s errors say', async (t) => {
  const authority = await createAuthority();
  const { ca } = authority;
  const host = 'localhost';
  const good = await use(t, startPeer('echo', { tls: { certificate: await authority.issue('good') } }));
  const wrong = await use(t, startPeer('echo', { tls: { certificate: await authority.issue('wrong-name') } }));
  const expired = await use(t, startPeer('echo', { tls: { certificate: await authority.issue('expired') } }));
  const asking = await use(
    t,
    startPeer('echo', { tls: { certificate: await authority.issue('good'), clientCa: authority.ca } }),
  );
  const bench = await startBench(t, worker);
  const codeOf = async (options: Options): Promise<unknown> => {
    const { code, received } = await ask(bench, { host, ...options });
    return code ?? received;
  };
  assert.equal(await codeOf({ port: good.port, ca }), 'hello');
  assert.equal(await codeOf({ port: good.port, ca: [ca, ca] }), 'hello');
  assert.equal(await codeOf({ port: good.port, ca, minVersion: 'TLSv1.3' }), 'hello');
  assert.equal(await codeOf({ port: good.port, ca, servername: '127.0.0.1' }), 'hello');
  assert.equal(await codeOf({ port: good.port }), 'UNABLE_TO_VERIFY_LEAF_SIGNATURE');
  assert.equal(await codeOf({ port: good.port, ca, servername: 'other.test' }), 'ERR_TLS_CERT_ALTNAME_INVALID');
  assert.equal(await codeOf({ port: wrong.port, ca }), 'ERR_TLS_CERT_ALTNAME_INVALID');
  assert.equal(await codeOf({ port: wrong.port, ca, servername: 'wrong.invalid' }), 'hello');
  assert.equal(await codeOf({ port: expired.port, ca }), 'CERT_HAS_EXPIRED');
  const client = await authority.issue('client');
  assert.equal(await codeOf({ port: asking.port, ca, ...client }), 'hello');
  assert.match(String(await codeOf({ port: asking.port, ca })), /^ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED$/);

  const insecure = await ask(bench, { host, port: good.port, rejectUnauthorized: false });
  assert.equal(insecure['code'], 'UNABLE_TO_VERIFY_LEAF_SIGNATURE');
  assert.match(String(insecure['message']), /'rejectUnauthorized: false' is not honoured in a Worker/);
  assert.equal(insecure['cause'], 'tls_unknown_authority');
  const large = `${ca.repeat(500)}`;
  const response = await bench.ask('/', { method: 'POST', body: JSON.stringify({ host, port: 1, ca: large }) });
  assert.equal(response.status, 500);
  await bench.log('characters long; at most');
});

const upgrading = {
  'wrangler.json': wrangler,
  'src/index.js': `import net from 'node:net'; import tls from 'node:tls';
    export default { async fetch(request, env) {
      const { port, ...options } = await request.json();
      const said = [];
      return new Promise((resolve) => {
        const done = (more) => resolve(Response.json({ said, ...more }));
        const socket = net.connect(port, 'localhost');
        socket.on('error', (error) => said.push('plain error ' + error.code));
        socket.on('close', () => said.push('plain close'));
        socket.once('data', function greeted(data) {
          said.push(String(data));
          socket.write('EHLO\\r\\n');
          socket.once('data', (data) => {
            said.push(String(data));
            socket.write('STARTTLS\\r\\n');
            socket.once('data', (data) => {
              said.push(String(data));
              const secure = tls.connect({ socket, ...options }, () => secure.write('inside'));
              secure.on('data', (data) => { said.push(String(data)); secure.end(); });
              secure.on('error', (error) => said.push('error ' + error.code));
              secure.on('close', (had) => { said.push('close ' + had); setTimeout(done, 0, { authorized: secure.authorized, from: secure.remotePort === port }); });
            });
          });
        });
      });
    } };`,
};

test('tls.connect({ socket }) upgrades a connection that has carried plain bytes', async (t) => {
  const authority = await testAuthority();
  const certificate = await authority.issue('good');
  const bench = await startBench(t, upgrading);
  const { ca } = authority;
  const start = async (variant?: 'garbage' | 'inject' | 'drop'): Promise<number> =>
    (await use(t, startStartTlsPeer({ certificate }, variant === undefined ? {} : { variant }))).port;
  const port = await start();
  const greeting = ['220 ready\r\n', '250 EHLO\r\n', '220 go\r\n'];
  assert.deepEqual(await ask(bench, { port, ca }), {
    said: [...greeting, 'inside', 'close false', 'plain close'],
    authorized: true,
    from: true,
  });
  const failed = async (options: Options): Promise<unknown> => {
    const { said } = await ask(bench, options);
    return (said as string[]).slice(3).join();
  };
  assert.equal(await failed({ port }), 'error UNABLE_TO_VERIFY_LEAF_SIGNATURE,close true,plain close');
  assert.equal(
    await failed({ port, ca, servername: 'other.test' }),
    'error ERR_TLS_CERT_ALTNAME_INVALID,close true,plain close',
  );
  assert.equal(
    await failed({ port: await start('garbage'), ca }),
    'error ERR_SSL_WRONG_VERSION_NUMBER,close true,plain close',
  );
  assert.equal(await failed({ port: await start('drop'), ca }), 'error ECONNRESET,close true,plain close');
});

test('TLS over a socket that is over says that it is over, too', async (t) => {
  const peer = await use(t, startPeer('echo'));
  const bench = await startBench(t, {
    'wrangler.json': wrangler,
    'src/index.js': `import net from 'node:net'; import tls from 'node:tls'; import { once } from 'node:events';
      export default { async fetch() {
        const dead = net.connect(${peer.port}, '127.0.0.1');
        dead.on('connect', () => dead.destroy());
        await once(dead, 'close');
        const over = tls.connect({ socket: dead, servername: 'localhost' });
        return Response.json([await once(over, 'close'), over.destroyed]);
      } };`,
  });
  assert.deepEqual(JSON.parse(await bench.text('/')), [[false], true]);
});
