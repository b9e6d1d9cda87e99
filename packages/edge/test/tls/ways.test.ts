// One set of entries for every way a Worker has: each shows the client certificate of the destination, to a service that
// takes nobody without one, and each says honestly what is wrong.
import assert from 'node:assert/strict';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { createAuthority, testAuthority } from '@sallyport/testkit';
import type { Explanation, GatewayEvent } from '../../src/index.ts';
import { toFiles, writePrivate } from './bench.ts';
import { startTlsBench } from './every-way.ts';
import { type Mutual, startMutual } from './mutual.ts';

const company = await testAuthority();
const partner = await createAuthority('Partner');
const server = await company.issue('good');
const worker = await partner.issue('client', { commonName: 'worker' });

const entry = `[[trust]]
to = "localhost"
ca = "ca.pem"
cert = "worker.pem"
key = "worker.key"
`;
/** Where the ways lead that go by the entries alone. */
const ways: readonly [way: string, port: keyof Mutual][] = [
  ['on', 'tls'],
  ['starttls', 'starttls'],
  ['node', 'tls'],
  ['fetch', 'https'],
  ['websocket', 'https'],
];

const files = { 'ca.pem': company.ca, ...toFiles('worker', worker) };

test('every way shows the certificate of the destination, and says who was trusted when it fails', async (t) => {
  const mutual = await startMutual(t, { certificate: server, clientCa: partner.ca });
  const bench = await startTlsBench(t, entry, files);
  for (const [way, port] of ways) assert.equal(await bench.go(way, mutual[port]), 'worker', way);
  const { controlUrl, controlToken } = bench.tunnels;
  const asked = await fetch(`${controlUrl}/accounts/default/sallyport/explain?destination=localhost:${mutual.tls}`, {
    headers: { authorization: `Bearer ${controlToken}` },
  });
  const { result } = (await asked.json()) as { result: Explanation };
  assert.deepEqual(
    [result.tls?.source, result.tls?.place, result.tls?.certificate],
    ['[[trust]] localhost', 'sallyport.toml:1', 'CN=worker'],
  );
  const distrusting = await startTlsBench(
    t,
    '[[trust]]\nto = "localhost"\ncert = "worker.pem"\nkey = "worker.key"\n',
    files,
  );
  for (const [way, port] of ways) {
    const said = await distrusting.go(way, mutual[port]);
    // node:tls has Node's own code, and no remedy.
    assert.match(said, /^failed .*(tls_unknown_authority|authority|UNABLE_TO|SELF_SIGNED)/s, way);
    if (way !== 'node') {
      assert.match(
        said,
        /Used: the system's authorities, client certificate CN=worker \(\[\[trust\]\] localhost\)/,
        way,
      );
    }
  }
});

test('without a client certificate, and with one of another authority, the failure says so', async (t) => {
  const mutual = await startMutual(t, { certificate: server, clientCa: partner.ca });
  const none = await startTlsBench(t, '[[trust]]\nca = "ca.pem"\n', files);
  for (const [way, port] of ways.filter(([each]) => each !== 'node')) {
    const said = await none.go(way, mutual[port]);
    assert.match(said, /tls_client_certificate|client certificate, or none was given/, way);
    assert.match(
      said,
      /demands a client certificate, and none is set: name one with cert and key in a \[\[trust\]\]/,
      way,
    );
  }
  const logged = await none.gateway.next<GatewayEvent>(({ kind, code }) => kind === 'fetch' && code !== undefined);
  assert.equal(logged.code, 'tls_client_certificate');
});

test('a wrong name, an expired certificate and a self-signed one are told apart, with the settings that were used', async (t) => {
  const cases = [
    ['expired', 'tls_expired', /Renew the server's certificate/],
    ['self-signed', 'tls_self_signed', /its own authority/],
    ['wrong-name', 'tls_name_mismatch', /wrong\.invalid/],
    ['unknown-ca', 'tls_unknown_authority', /\[\[trust\]\] entry for this host/],
  ] as const;
  const bench = await startTlsBench(t, entry, files);
  for (const [kind, code, hint] of cases) {
    const certificate = await company.issue(kind);
    const mutual = await startMutual(t, { certificate, clientCa: partner.ca });
    for (const way of ['on', 'fetch']) {
      const said = await bench.go(way, way === 'on' ? mutual.tls : mutual.https);
      assert.match(said, new RegExp(code), `${kind} ${way}`);
      assert.match(said, hint, `${kind} ${way}`);
      assert.match(said, /Used: .*CN=Sallyport test authority, client certificate CN=worker/, `${kind} ${way}`);
    }
  }
});

test('certificates change under load without one failed request; idle connections of old ones are not used', async (t) => {
  const mutual = await startMutual(t, { certificate: server, clientCa: partner.ca });
  const bench = await startTlsBench(t, entry, files);
  const { keys } = bench;
  const heard: string[] = [];
  const over = new AbortController();
  const load = ['on', 'fetch', 'fetch'].map(async (way) => {
    while (!over.signal.aborted) heard.push(await bench.go(way, way === 'on' ? mutual.tls : mutual.https));
  });
  for (let turn = 1; turn <= 4; turn += 1) {
    const next = await partner.issue('client', { commonName: `worker-${turn}` });
    // One file after the other: in between they do not belong together.
    await writePrivate(keys, { 'worker.pem': next.cert });
    await bench.go('on', mutual.tls);
    await writePrivate(keys, { 'worker.key': next.key });
    await chmod(join(keys, 'worker.key'), 0o600);
    // From now on everything that begins uses them.
    assert.equal(await bench.go('on', mutual.tls), `worker-${turn}`);
    assert.equal(await bench.go('fetch', mutual.https), `worker-${turn}`);
  }
  over.abort();
  await Promise.all(load);
  assert.deepEqual(
    heard.filter((said) => !/^worker(-\d)?$/.test(said)),
    [],
  );
  assert.ok(heard.length > 8);
  assert.ok(
    bench.tls.all.some(({ type }) => type === 'tls-unusable') &&
      bench.tls.all.some(({ type }) => type === 'tls-changed'),
  );
});

test('neither sni nor another host name leads to the certificate of another destination', async (t) => {
  const mutual = await startMutual(t, { certificate: server, clientCa: partner.ca });
  const bench = await startTlsBench(t, `[[trust]]\nca = "ca.pem"\n${entry}`, files);
  await bench.write({
    'src/index.js': `import { connect } from 'cloudflare:sockets';
export default { async fetch(request) {
  const { searchParams } = new URL(request.url);
  try {
    const tls = { secureTransport: 'on', expectedServerHostname: 'localhost', sni: 'localhost' };
    const socket = connect(searchParams.get('to'), tls);
    await socket.opened;
    return new Response('heard ' + (await new Response(socket.readable).text()));
  } catch (error) { return new Response(error.code + ' ' + error.remedy); }
} };`,
  });
  await bench.event('ready', ({ reload }) => reload);
  assert.equal(await bench.text(`/?to=localhost:${mutual.tls}`), 'heard worker');
  for (const host of ['127.0.0.1', '[::ffff:127.0.0.1]', '0x7f.1']) {
    const said = await bench.text(`/?to=${encodeURIComponent(`${host}:${mutual.tls}`)}`);
    assert.match(said, /^tls_client_certificate .*no client certificate \(\[\[trust\]\] \*\)/, host);
  }
});
