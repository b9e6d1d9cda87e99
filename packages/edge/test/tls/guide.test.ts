// docs/guide/tls.md tells the truth: its sample runs as it is written, against a service that wants a client certificate.
import assert from 'node:assert/strict';
import { chmod, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { createAuthority, testAuthority } from '@sallyport/testkit';
import { config, startBench, writeFiles } from '../support/dev-bench.ts';
import { startMutual } from './mutual.ts';

const guide = await readFile(new URL('../../../../docs/guide/tls.md', import.meta.url), 'utf8');
const block = (language: string): string => new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``).exec(guide)?.[1] ?? '';

test('the sample of the guide runs as it is written', async (t) => {
  const company = await testAuthority();
  const partner = await createAuthority('Partner');
  const certificate = await company.issue('good');
  const { https } = await startMutual(t, { certificate, clientCa: partner.ca });
  const { cert, key } = await partner.issue('client', { commonName: 'worker' });
  // The key gets its mode before anything reads it, so another server starts in the folder of a first one.
  const first = await startBench(t, 'export default {};');
  await first.server.close();
  await writeFiles(first.folder, {
    'sallyport.toml': block('toml'),
    'src/index.js': block('js'),
    'wrangler.json': config({ vars: { SERVICE: `localhost:${https}` } }),
    'certificates/company.pem': company.ca,
    'certificates/worker.pem': cert,
    'certificates/worker.key': key,
  });
  await chmod(join(first.folder, 'certificates/worker.key'), 0o600);
  const bench = await startBench(t, {}, { project: { cwd: first.folder } });
  assert.equal(await bench.text('/fetch'), 'worker');
  assert.match(await bench.text('/'), /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nworker$/);
});

test('the binding of the guide is one that a project can have', async (t) => {
  const [, written = ''] = /("mtls_certificates": \[.*\])/.exec(block('jsonc')) ?? [];
  const bench = await startBench(t, {
    'src/index.js': 'export default { fetch: (request, env) => new Response(typeof env.CERT.fetch) };',
    'wrangler.json': config(JSON.parse(`{${written}}`) as object),
  });
  const { diagnostics } = await bench.event('diagnostics');
  assert.match(diagnostics[0]?.message ?? '', /There is no certificate <the id>, which CERT is bound to/);
  assert.equal(await bench.text('/'), 'function');
});
