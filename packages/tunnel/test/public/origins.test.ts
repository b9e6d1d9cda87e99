// How origins are reached: TLS and its names, unix sockets, time limits, and what is said when it fails.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { startPeer, startRefusing, testAuthority, use } from '@sallyport/testkit';
import { get, listen, ruleFor, startFront, startRawOrigin, talk, toConfig } from './support.ts';

async function temporary(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-'));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

async function startSecure(t: TestContext, names: string[]): Promise<{ url: string; caPool: string }> {
  const authority = await testAuthority();
  const certificate = await authority.issue('good', { names });
  const port = await listen(
    t,
    createSecureServer(certificate, (request, response) => {
      response.end(`sni ${(request.socket as unknown as { servername?: string }).servername}`);
    }),
  );
  const caPool = join(await temporary(t), 'ca.pem');
  await writeFile(caPool, authority.ca);
  return { url: `https://127.0.0.1:${port}`, caPool };
}

test('https origins are checked: by address, originServerName or matchSNItoHost, with caPool, unless noTLSVerify', async (t) => {
  const { url, caPool } = await startSecure(t, ['127.0.0.1', 'inner.test', 'a.test']);
  const cases: [options: object, expected: RegExp][] = [
    [{ caPool }, /^HTTP\/1\.1 200 [^]*sni (?:false|undefined)$/],
    [{ caPool, originServerName: 'inner.test' }, /^HTTP\/1\.1 200 [^]*sni inner\.test$/],
    [{ caPool, matchSNItoHost: true }, /^HTTP\/1\.1 200 [^]*sni a\.test$/],
    [{ caPool, originServerName: 'wrong.test' }, /^HTTP\/1\.1 502 [^]*origin_tls/],
    [{}, /^HTTP\/1\.1 502 [^]*\(origin_tls\)[^]*caPool/],
    [{ noTLSVerify: true }, /^HTTP\/1\.1 200 /],
  ];
  for (const [options, expected] of cases) {
    const front = await startFront(t, ruleFor(url, options));
    assert.match(await talk(front.port, get('/', [], 'a.test:80')), expected, JSON.stringify(options));
  }
});

test('wss and ws mean https and http', async (t) => {
  const { url, caPool } = await startSecure(t, ['127.0.0.1']);
  const front = await startFront(t, ruleFor(url.replace('https:', 'wss:'), { caPool }));
  assert.match(await talk(front.port, get('/')), /^HTTP\/1\.1 200 /);
});

test('unix sockets, plain and with TLS', async (t) => {
  const folder = await temporary(t);
  const authority = await testAuthority();
  const certificate = await authority.issue('good', { names: ['localhost'] });
  const plain = join(folder, 'plain.sock');
  const secure = join(folder, 'secure.sock');
  await writeFile(join(folder, 'ca.pem'), authority.ca);
  await listen(
    t,
    createServer((request, response) => response.end(`plain ${request.headers.host}`)),
    plain,
  );
  await listen(
    t,
    createSecureServer(certificate, (_request, response) => response.end('secure')),
    secure,
  );
  const config = toConfig({
    ingress: [
      { hostname: 'plain.test', service: `unix:${plain}` },
      { hostname: 'secure.test', service: `unix+tls:${secure}`, originRequest: { caPool: join(folder, 'ca.pem') } },
      { service: `unix:${folder}/nobody.sock` },
    ],
  });
  const front = await startFront(t, config);
  assert.match(await talk(front.port, get('/', [], 'plain.test')), /plain plain\.test$/);
  assert.match(await talk(front.port, get('/', [], 'secure.test')), /secure$/);
  assert.match(await talk(front.port, get('/')), /^HTTP\/1\.1 502 [^]*connection_refused/);
});

test('each failure is a 502 with code and remedy on the page, and with the address in the log only', async (t) => {
  const refusing = await use(t, startRefusing());
  const silent = await use(t, startPeer('silent'));
  const garbage = await startRawOrigin(t, 'SSH-2.0-OpenSSH_9.2\r\n');
  const cases: [service: string, options: object, code: string][] = [
    [`http://${refusing.host}:${refusing.port}`, {}, 'connection_refused'],
    ['http://nobody.invalid', {}, 'dns_error'],
    [`https://${silent.host}:${silent.port}`, { tlsTimeout: '50ms' }, 'connection_timeout'],
    [`https://${new URL(garbage.url).host}`, {}, 'origin_tls'],
    [garbage.url, {}, 'origin_protocol'],
    ['tcp://10.0.0.7:5432', {}, 'not_http'],
    ['ssh://10.0.0.7', {}, 'not_http'],
    ['bastion', {}, 'not_http'],
    ['socks-proxy', {}, 'not_http'],
    ['http_status:100', {}, 'not_http'],
  ];
  for (const [service, options, code] of cases) {
    const front = await startFront(t, ruleFor(service, options));
    const answer = await talk(front.port, get('/private?token=1'));
    assert.match(answer, /^HTTP\/1\.1 502 Bad Gateway\r\n/, service);
    assert.match(answer, new RegExp(`sallyport-error: ${code}\\r\\n`, 'i'), service);
    assert.match(answer, new RegExp(`\\(${code}\\)\\.\n.+\n$`));
    assert.doesNotMatch(answer, /127\.0\.0\.1|10\.0\.0\.7|nobody\.invalid/);
    const entry = front.log.find(({ level }) => level === 'error');
    assert.equal(entry?.fields['code'], code);
    assert.equal(entry?.fields['ingressRule'], 0);
    assert.equal(typeof entry?.fields['originService'], 'string');
    assert.match(front.metrics(), new RegExp(`sallyport_tunnel_request_errors\\{code="${code}"\\} 1`));
  }
});

test('a password in a service address stays out of log and page', async (t) => {
  const front = await startFront(t, ruleFor('http://user:geheim@nobody.invalid'));
  const answer = await talk(front.port, get('/'));
  assert.match(answer, /^HTTP\/1\.1 502 /);
  assert.doesNotMatch(answer + JSON.stringify(front.log), /geheim/);
});

test('a rule that requires an Access token is closed, since nobody here checks the token', async (t) => {
  const access = { required: true, teamName: 'team', audTag: ['x'] };
  const front = await startFront(t, ruleFor('hello_world', { access }));
  assert.match(await talk(front.port, get('/')), /^HTTP\/1\.1 403 [^]*access_unchecked/);
});

test('a caPool that cannot be read is told when the configuration is put to use', async (t) => {
  await assert.rejects(startFront(t, ruleFor('https://a', { caPool: '/nowhere/ca.pem' })), { code: 'bad_ca_pool' });
});
