// Certificates of the store: in entries, as bindings, of private services and of databases. What a record says itself goes
// first, entries fill in the rest, and a replaced certificate is used at once by all of them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAuthority, needs, startPostgres, testAuthority, use } from '@sallyport/testkit';
import { loadTrust } from '../../src/config/edge-config.ts';
import { openTlsSettings } from '../../src/tls/open-tls-settings.ts';
import { config, startBench } from '../support/dev-bench.ts';
import { startSettings, toFiles } from './bench.ts';
import { startTlsBench, type TlsBench } from './every-way.ts';
import { startMutual } from './mutual.ts';

const company = await testAuthority();
const partner = await createAuthority('Partner');
const server = await company.issue('good');
const files = { 'ca.pem': company.ca };
const clientNamed = (commonName: string) => partner.issue('client', { commonName });
const upload = async (bench: TlsBench, name: string): Promise<string> => {
  const { cert: certificates, key: private_key } = await clientNamed(name);
  const { id } = await bench.tunnels.control.certificates.upload({ name, ca: false, certificates, private_key });
  return id;
};
const renew = async (bench: TlsBench, id: string, name: string): Promise<void> => {
  const { cert: certificates, key: private_key } = await clientNamed(name);
  await bench.tunnels.control.certificates.replace(id, { certificates, private_key });
};
const trusting = '[[trust]]\nto = "localhost"\nca = "ca.pem"\n';

test('a bound certificate is shown by its fetch() alone, after policy, and follows what replaces it', async (t) => {
  const mutual = await startMutual(t, { certificate: server, clientCa: partner.ca });
  const bench = await startTlsBench(t, trusting, files);
  const id = await upload(bench, 'bound');
  const mtls_certificates = [{ binding: 'CERT', certificate_id: id.toUpperCase() }];
  await bench.write({ 'wrangler.json': config({ compatibility_flags: ['nodejs_compat'], mtls_certificates }) });
  await bench.event('ready', ({ reload }) => reload);
  assert.equal(await bench.go('cert', mutual.https), 'bound');
  assert.equal(await bench.go('certsocket', mutual.https), 'bound');
  assert.match(await bench.go('fetch', mutual.https), /tls_client_certificate/, 'nobody else shows it');
  assert.match(await bench.go('on', mutual.tls), /tls_client_certificate/);
  assert.match(await bench.go('raw', mutual.tls), /^failed/);
  const refused = await bench.gateway.next(({ code }) => code === 'mtls_fetch_only');
  assert.equal(refused.binding, 'CERT');
  assert.match(await bench.text('/?way=cert&to=169.254.169.254'), /^failed 403 .*destination_denied/s);
  await assert.rejects(bench.tunnels.control.certificates.delete(id), /is used by bench \(env\.CERT\)/);
  await renew(bench, id, 'renewed');
  assert.equal(await bench.go('cert', mutual.https), 'renewed');
});

test('a bound certificate that does not exist, or is none, is told at the start with the command', async (t) => {
  const bench = await startTlsBench(t, trusting, files);
  const { id } = await bench.tunnels.control.certificates.upload({ ca: true, certificates: company.ca });
  const cases = [
    ['7b1c2f0e-0000-4000-8000-000000000000', 'certificate_unknown'],
    [id, 'certificate_unusable'],
  ] as const;
  for (const [certificate_id, code] of cases) {
    const mtls_certificates = [{ binding: 'CERT', certificate_id }];
    await bench.write({ 'wrangler.json': config({ mtls_certificates, compatibility_flags: ['nodejs_compat'] }) });
    const { diagnostics } = await bench.event('diagnostics');
    assert.deepEqual([diagnostics[0]?.code, diagnostics[0]?.severity], [code, 'error']);
    assert.match(diagnostics[0]?.remedy ?? '', /sallyport cert upload mtls-certificate/);
    await bench.event('ready', ({ reload }) => reload);
    assert.match(await bench.go('cert', 1), /^failed 525 error code: 525\n.*certificate .*\ntls_failed: /);
  }
});

test('an entry names certificates by id, is told of what does not exist, and keeps what it uses from being deleted', async (t) => {
  const mutual = await startMutual(t, { certificate: server, clientCa: partner.ca });
  const bench = await startTlsBench(t, trusting, files);
  const id = await upload(bench, 'stored');
  const { id: ca } = await bench.tunnels.control.certificates.upload({ ca: true, certificates: company.ca });
  const wanted = `[[trust]]\nto = "localhost"\nca_certificate_id = "${ca}"\nmtls_certificate_id = "${id}"\n`;
  await bench.write({ 'sallyport.toml': wanted });
  // The entries are read at the start, so another server starts in the same folder.
  await bench.server.close();
  const again = await startBench(t, {}, { project: { cwd: bench.folder } });
  const go = (way: string, port: number) => again.text(`/?way=${way}&to=localhost:${port}`);
  assert.equal(await go('on', mutual.tls), 'stored');
  assert.equal(await go('fetch', mutual.https), 'stored');
  const { certificates } = again.server.tunnels!.control;
  await assert.rejects(certificates.delete(id), /is used by \[\[trust\]\] localhost \(sallyport\.toml:1\)/);
  const next = await clientNamed('replaced');
  await certificates.replace(id, { certificates: next.cert, private_key: next.key });
  assert.equal(await go('on', mutual.tls), 'replaced');
  assert.equal(await go('fetch', mutual.https), 'replaced');
  await assert.rejects(certificates.replace(id, { certificates: company.ca, private_key: next.key }), /belong/);
  const unknown = await startSettings(t, '', {});
  const entries = await loadTrust(await unknown.writeToml('[[trust]]\nto = "a"\nmtls_certificate_id = "00000000"\n'));
  assert.throws(() => openTlsSettings({ entries, control: again.server.tunnels!.control }), {
    code: 'certificate_unusable',
    message: /\[\[trust\]\] a \(sallyport\.toml:1\): There is no certificate 00000000/,
    remedy: /sallyport cert upload/,
  });
  await assert.rejects(certificates.replace('none', { certificates: company.ca }), /There is no certificate none/);
});

test('what a private service says itself goes before the entry for its host, which fills in the rest', async (t) => {
  const mutual = await startMutual(t, { certificate: server, clientCa: partner.ca });
  const pattern = `${trusting}cert = "entry.pem"\nkey = "entry.key"\n`;
  const bench = await startTlsBench(t, pattern, { ...files, ...toFiles('entry', await clientNamed('entry')) });
  const { services } = bench.tunnels.control;
  const settings = { name: 'api', type: 'http' as const, https_port: mutual.https, host: { hostname: 'localhost' } };
  const { service_id } = await services.create(settings);
  await bench.write({
    'wrangler.json': config({ compatibility_flags: ['nodejs_compat'], vpc_services: [{ binding: 'API', service_id }] }),
  });
  await bench.event('ready', ({ reload }) => reload);
  assert.equal(await bench.go('vpc', mutual.https), 'entry');
  const id = await upload(bench, 'own');
  await services.replace(service_id, { ...settings, tls_settings: { mtls_certificate_id: id } });
  assert.equal(await bench.go('vpc', mutual.https), 'own');
  await renew(bench, id, 'renewed');
  assert.equal(await bench.go('vpc', mutual.https), 'renewed');
  const other = await createAuthority('Other');
  const { id: otherCa } = await bench.tunnels.control.certificates.upload({ ca: true, certificates: other.ca });
  await services.replace(service_id, { ...settings, tls_settings: { ca_certificate_id: otherCa } });
  assert.match(await bench.go('vpc', mutual.https), /ProxyError: tls_certificate_error/);
  const { remedy } = await bench.gateway.next(({ code }) => code === 'tls_unknown_authority');
  assert.match(
    remedy ?? '',
    /--ca-certificate-id.*Used: CN=Other, client certificate CN=entry \(VPC service api, then/s,
  );
});

const query = `import pg from 'pg';
export default { async fetch(request, env, ctx) {
  const client = new pg.Client({ connectionString: env.DB.connectionString });
  try {
    await client.connect();
    await client.query('begin');
    const { rows } = await client.query('select client_dn from pg_stat_ssl where pid = pg_backend_pid()');
    await client.query('commit');
    return Response.json(rows[0].client_dn);
  } catch (error) { return new Response('failed ' + error.message + ' ' + error.hint); }
  finally { ctx.waitUntil(client.end().catch(() => {})); }
} };`;

test('a database that wants client certificates is shown that of the entry for its host, and the errors say so', async (t) => {
  if (!needs(t, 'postgres')) return;
  const tls = { certificate: server, clientCa: partner.ca };
  const postgres = await use(t, startPostgres({ tls, requireTls: true }));
  const url = postgres.url.replace('127.0.0.1', 'localhost');
  const settings = {
    compatibility_flags: ['nodejs_compat'],
    hyperdrive: [{ binding: 'DB', id: 'none', localConnectionString: `${url}?sslmode=verify-full` }],
  };
  const entry = `${trusting}cert = "db.pem"\nkey = "db.key"\n`;
  const bench = await startTlsBench(t, entry, { ...files, ...toFiles('db', await clientNamed('pool')) }, settings);
  await bench.write({ 'src/index.js': query });
  await bench.event('ready', ({ reload }) => reload);
  assert.equal(JSON.parse(await bench.text('/')), '/CN=pool');
  const wrong = toFiles('db', await company.issue('client', { commonName: 'nobody' }));
  const bare = await startTlsBench(t, entry, { ...files, ...wrong }, settings);
  await bare.write({ 'src/index.js': query });
  await bare.event('ready', ({ reload }) => reload);
  assert.match(await bare.text('/'), /^failed .* Used: .*, client certificate CN=nobody \(\[\[trust\]\] localhost\)/s);
});
