// Hyperdrive configurations and certificates over HTTP, as wrangler sends and reads them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { ApiError, type HyperdriveHooks } from '../../src/index.ts';
import { createApiBench } from '../support/api-bench.ts';
import { authority, issue } from '../support/certificates.ts';

const configs = '/accounts/acc/hyperdrive/configs';
const store = '/accounts/acc/mtls_certificates';
const origin = {
  scheme: 'postgresql',
  host: 'db.example',
  port: 5432,
  database: 'sales',
  user: 'app',
  password: 'the password',
} as const;

test('what wrangler creates, lists, changes and deletes has its shapes, and never the password', async (t) => {
  const { call } = await createApiBench(t);
  const made = await call('POST', configs, { name: 'sales', origin, caching: { max_age: 30 }, mtls: {} });
  const { id } = made.result;
  const { password: _, ...shown } = origin;
  const expected = {
    id,
    name: 'sales',
    origin: shown,
    caching: { disabled: false, max_age: 30, stale_while_revalidate: 15 },
    mtls: { sslmode: 'require' },
    created_on: '2026-01-02T03:04:05.000Z',
    modified_on: '2026-01-02T03:04:05.000Z',
  };
  assert.deepEqual([made.status, made.result], [200, expected]);
  const { result, result_info } = await call('GET', configs);
  assert.deepEqual([result, result_info.total_count], [[expected], 1]);
  assert.deepEqual((await call('GET', `${configs}/${id}`)).result, expected);

  const changed = await call('PATCH', `${configs}/${id}`, { caching: { disabled: true }, origin_connection_limit: 9 });
  assert.deepEqual([changed.result.caching, changed.result.origin_connection_limit], [{ disabled: true }, 9]);
  const bound = await call('PATCH', `${configs}/${id}`, { mtls: { channel_binding: 'require' } });
  assert.deepEqual(bound.result.mtls, { sslmode: 'require', channel_binding: 'require' });
  assert.equal((await call('PATCH', `${configs}/${id}`, { mtls: { sslmode: 'disable' } })).status, 400);
  assert.equal((await call('PATCH', `${configs}/${id}`, { mtls: { channel_binding: 'always' } })).status, 400);
  const unbound = await call('PATCH', `${configs}/${id}`, { mtls: { channel_binding: null } });
  assert.deepEqual(unbound.result.mtls, { sslmode: 'require' });
  const cleared = await call('PATCH', `${configs}/${id}`, { origin_connection_limit: null });
  assert.equal('origin_connection_limit' in cleared.result, false);
  const put = await call('PUT', `${configs}/${id}`, { name: 'other', origin: { ...origin, host: 'b.example' } });
  assert.deepEqual([put.result.name, put.result.origin.host, put.result.caching.max_age], ['other', 'b.example', 60]);
  assert.equal((await call('PUT', `${configs}/${id}`, { name: 'other', origin: shown })).status, 400);
  for (const each of [made, changed, put]) assert.ok(!each.text.includes('the password'));
  assert.deepEqual((await call('DELETE', `${configs}/${id}`)).result, null);
  assert.deepEqual((await call('GET', `${configs}/${id}`)).errors[0]?.code, 1002);
});

test('an origin that cannot be used is refused with its documented number before anything is stored', async (t) => {
  const remedy = 'Type it again.';
  const check: HyperdriveHooks['check'] = ({ origin: { password } }) =>
    Promise.reject(new ApiError('origin_credentials', `not ${password.length} characters`, { remedy }));
  const { call } = await createApiBench(t, { hyperdrive: { check } });
  const { status, errors } = await call('POST', configs, { name: 'sales', origin });
  assert.equal(status, 400);
  assert.deepEqual(errors, [
    { code: 2013, message: 'Invalid database credentials: not 12 characters', error: 'origin_credentials', remedy },
  ]);
  assert.deepEqual((await call('GET', configs)).result, []);
});

test('ways to an origin that this edge has not are refused with what to use', async (t) => {
  const { call } = await createApiBench(t);
  for (const way of [{ access_client_id: 'x', access_client_secret: 'y' }]) {
    const { errors } = await call('POST', configs, { name: 'sales', origin: { ...origin, ...way } });
    assert.equal(errors[0]?.error, 'not_supported');
    assert.match(errors[0]!.message, /tunnel route/);
  }
  const { errors } = await call('POST', configs, { name: 'sales', origin: { ...origin, scheme: 'mysql' } });
  assert.match(errors[0]!.message, /MySQL/);
});

test('pools are purged, explained and told of by the edge; an edge without them says so', async (t) => {
  const asked: unknown[] = [];
  const hyperdrive: HyperdriveHooks = {
    purge: (id, what) => ({ purged: asked.push(['purge', id, what]) + 40, unknownTables: [] }),
    explain: (id, query) => ({ id, query, cacheStatus: 'volatile' }),
    status: (id) => Promise.resolve([{ id: id ?? 'all' }]),
  };
  const { call, control } = await createApiBench(t, { hyperdrive });
  const { id } = await control.hyperdrive.create({ name: 'sales', origin });
  assert.deepEqual((await call('POST', `${configs}/${id}/purge`, { tables: ['a', 'b.c'], tags: ['t'] })).result, {
    purged: 41,
  });
  assert.deepEqual((await call('POST', `${configs}/${id}/purge`)).result, { purged: 42 });
  assert.deepEqual(asked, [
    ['purge', id, { tables: ['a', 'b.c'], tags: ['t'] }],
    ['purge', id, {}],
  ]);
  const explained = await call('POST', `${configs}/${id}/explain`, { sql: 'select now()' });
  assert.deepEqual(explained.result, { id, query: { sql: 'select now()' }, cacheStatus: 'volatile' });
  assert.deepEqual((await call('GET', `${configs}/${id}/status`)).result, [{ id }]);
  assert.deepEqual((await call('GET', '/accounts/acc/hyperdrive/status')).result, [{ id: 'all' }]);
  for (const tables of [[], [1], 'a', Array.from({ length: 1001 }, () => 'a')]) {
    assert.equal((await call('POST', `${configs}/${id}/purge`, { tables })).errors[0]?.error, 'invalid_request');
  }
  assert.equal((await call('POST', `${configs}/${id}/explain`, { sql: 'x'.repeat(100_001) })).status, 400);

  const none = await createApiBench(t);
  const other = await none.control.hyperdrive.create({ name: 'sales', origin });
  for (const path of ['purge', 'explain']) {
    const { errors } = await none.call('POST', `${configs}/${other.id}/${path}`, { sql: 'x' });
    assert.equal(errors[0]?.error, 'not_supported');
  }
  assert.equal((await none.call('GET', '/accounts/acc/hyperdrive/status')).errors[0]?.error, 'not_supported');
});

test('certificates are uploaded, listed by name and kind, and deleted as wrangler does', async (t) => {
  const { call } = await createApiBench(t, {});
  const { cert, key } = await issue('client');
  const { ca } = await authority();
  const own = await call('POST', store, { name: 'mine', certificates: cert, private_key: key, ca: false });
  const root = await call('POST', store, { name: 'root', certificates: ca, ca: true });
  assert.deepEqual([own.status, root.status, own.result.ca, root.result.ca], [200, 200, false, true]);
  assert.ok(!own.text.includes('PRIVATE'));
  const names = async (query: string): Promise<string[]> =>
    ((await call('GET', `${store}${query}`)).result as { name: string }[]).map(({ name }) => name);
  assert.deepEqual((await names('')).sort(), ['mine', 'root']);
  assert.deepEqual([await names('?ca=false'), await names('?name=root')], [['mine'], ['root']]);
  assert.deepEqual((await call('GET', `${store}/${own.result.id}`)).result, own.result);
  const { errors } = await call('POST', configs, { name: 'a', origin, mtls: { ca_certificate_id: own.result.id } });
  assert.match(errors[0]!.message, /client certificate/);
  await call('POST', configs, { name: 'a', origin, mtls: { ca_certificate_id: root.result.id } });
  const refused = await call('DELETE', `${store}/${root.result.id}`);
  assert.deepEqual([refused.status, refused.errors[0]?.error], [409, 'in_use']);
  assert.equal(refused.errors[0]?.remedy, 'Take away what uses it first.');
  assert.deepEqual((await call('DELETE', `${store}/${own.result.id}`)).result, own.result);
  assert.equal((await call('DELETE', `${store}/${own.result.id}`)).status, 404);
  assert.equal(
    (await call('POST', store, { certificates: cert, private_key: key })).errors[0]?.error,
    'invalid_request',
  );
});

test('bodies of any shape are refused or stored, and never break the edge or show a password', async (t) => {
  const { call, failures, control } = await createApiBench(t);
  const known = await control.hyperdrive.create({ name: 'known', origin });
  const value = fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    fc.constantFrom(null, '', 'require', 'disable', -1, 0, 60, 1e308, 'a'.repeat(70), '\0', '\ud800'),
  );
  const fields = (names: string[]): fc.Arbitrary<object> =>
    fc.record(Object.fromEntries(names.map((name) => [name, value])), { requiredKeys: [] });
  const body = fc.record(
    {
      name: value,
      origin: fc.oneof(
        value,
        fields(['scheme', 'host', 'port', 'database', 'user']).map((each) => ({ ...origin, ...each })),
      ),
      caching: fc.oneof(value, fields(['disabled', 'max_age', 'stale_while_revalidate'])),
      mtls: fc.oneof(value, fields(['ca_certificate_id', 'mtls_certificate_id', 'sslmode'])),
      origin_connection_limit: value,
    },
    { requiredKeys: [] },
  );
  const ways = fc.constantFrom(
    ['POST', configs],
    ['PUT', `${configs}/${known.id}`],
    ['PATCH', `${configs}/${known.id}`],
  );
  await fc.assert(
    fc.asyncProperty(ways, body, async ([method, path], sent) => {
      const { status, success, text } = await call(method!, path!, sent);
      assert.ok(success ? status === 200 : status >= 400 && status < 500, `${status}`);
      assert.ok(!text.includes('the password'));
      const { origin: stored } = control.hyperdrive.resolve(known.id)!;
      assert.ok(stored.port >= 1 && stored.host !== '' && stored.password !== '');
    }),
    { numRuns: 300 },
  );
  const certificate = fc.record(
    { ca: value, name: value, certificates: value, private_key: value },
    { requiredKeys: [] },
  );
  await fc.assert(
    fc.asyncProperty(certificate, async (sent) => {
      const { success, status } = await call('POST', store, sent);
      assert.deepEqual([success, status], [false, 400]);
    }),
    { numRuns: 100 },
  );
  assert.deepEqual(failures, []);
});
