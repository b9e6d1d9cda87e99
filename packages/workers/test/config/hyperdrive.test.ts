// Hyperdrive bindings: which database a name stands for in development, and what is no connection string.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { assert as check, property, string } from 'fast-check';
import { parseConnectionString } from '../../src/config/connection-string.ts';
import { createFolder, load, loadGood, loadIn, plain, summarize } from './folder.ts';

const id = '0123456789abcdef0123456789abcdef';
const variable = 'CLOUDFLARE_HYPERDRIVE_LOCAL_CONNECTION_STRING_DB';
const older = 'WRANGLER_HYPERDRIVE_LOCAL_CONNECTION_STRING_DB';

const bound = (more: object = {}): object => ({ ...plain, hyperdrive: [{ binding: 'DB', id, ...more }] });

const url = (host: string): string => `postgres://u:p@${host}/d`;

test('a binding has its id, and no database of its own unless it is given one', async (t) => {
  const { hyperdrive } = await loadGood(t, { 'wrangler.json': bound({ remote: false }) });
  assert.deepEqual(hyperdrive, [{ binding: 'DB', id, local: undefined }]);
});

test('a local connection string is taken apart, and its files start at the configuration', async (t) => {
  const localConnectionString =
    'postgres://me%40home:p%2Fw@db.internal:6432/my%20shop?sslmode=verify-full&sslrootcert=certs/ca.pem&application_name=x';
  const { hyperdrive, root } = await loadGood(t, { 'wrangler.json': bound({ localConnectionString }) });
  assert.deepEqual(hyperdrive[0]?.local, {
    host: 'db.internal',
    port: 6432,
    user: 'me@home',
    password: 'p/w',
    database: 'my shop',
    sslmode: 'verify-full',
    sslrootcert: join(root, 'certs/ca.pem'),
    sslcert: undefined,
    sslkey: undefined,
  });
});

test('a variable wins over the file, the newer name over the older, and the process over .env', async (t) => {
  const folder = await createFolder(t, {
    'wrangler.json': bound({ localConnectionString: url('file') }),
    'index.js': 'export default {};',
  });
  const hostWith = async (processEnv: Record<string, string>): Promise<string | undefined> =>
    (await loadIn(folder, { processEnv })).project?.hyperdrive[0]?.local?.host;
  assert.equal(await hostWith({}), 'file');
  assert.equal(await hostWith({ [older]: url('older') }), 'older');
  assert.equal(await hostWith({ [older]: url('older'), [variable]: url('newer') }), 'newer');
  const { project } = await load(t, {
    'wrangler.json': bound(),
    '.env': `${variable}=${url('dotenv')}\nOTHER=1\n`,
  });
  assert.equal(project?.hyperdrive[0]?.local?.host, 'dotenv');
  assert.deepEqual(project?.vars, { OTHER: '1' });
});

test('what is no connection string is an error at its place, and never shows the string', async (t) => {
  const wrong: readonly [text: string, problem: RegExp][] = [
    ['db.internal:5432', /not a URL/],
    ['mysql://u:secret@db/d', /MySQL/],
    ['http://u:secret@db/d', /scheme is http:/],
    ['postgres://u:secret@db:99999/d', /cannot be read/],
    ['postgres://u:sec%ret@db/d', /%25/],
    ['postgres://u:secret@/d', /names no host|cannot be read/],
    ['postgres://:secret@db/d', /names no user/],
    ['postgres://u:secret@db', /names no database/],
    ['postgres://u:secret@db/d?sslmode=maybe', /sslmode is maybe/],
  ];
  for (const [text, problem] of wrong) {
    const { project, diagnostics } = await load(t, { 'wrangler.json': bound({ localConnectionString: text }) });
    assert.equal(project, undefined);
    assert.deepEqual(
      diagnostics.map(({ code }) => code),
      ['invalid_connection_string'],
      text,
    );
    assert.match(diagnostics[0]!.message, problem);
    assert.doesNotMatch(diagnostics[0]!.message + diagnostics[0]!.remedy, /sec/);
  }
  const byVariable = await load(t, { 'wrangler.json': bound() }, { processEnv: { [variable]: 'nothing' } });
  assert.match(byVariable.diagnostics[0]!.message, new RegExp(`^${variable}: `));
});

test('a binding needs a name, an id unless it has a database, and a name of its own', async (t) => {
  const nameless = await load(t, { 'wrangler.json': { ...plain, hyperdrive: [{ id }] } });
  assert.deepEqual(summarize(nameless.diagnostics), ['error missing_key 6']);
  const noId = { ...plain, hyperdrive: [{ binding: 'DB' }] };
  const idless = await load(t, { 'wrangler.json': noId });
  assert.deepEqual(summarize(idless.diagnostics), ['error missing_key 6']);
  const local = await load(t, { 'wrangler.json': noId }, { processEnv: { [variable]: 'postgres://u:p@h/d' } });
  assert.deepEqual(local.diagnostics, []);
  const clash = await load(t, { 'wrangler.json': { ...bound(), vars: { DB: 'x' } } });
  assert.deepEqual(
    clash.diagnostics.map(({ code, message }) => [code, /variable.*database/.test(message)]),
    [['duplicate_binding', true]],
  );
  const unknown = await load(t, { 'wrangler.json': bound({ localconnectionstring: '' }) });
  assert.deepEqual(
    unknown.diagnostics.map(({ code }) => code),
    ['unknown_key'],
  );
});

test('whatever is in a connection string, the answer is a database or a problem', () => {
  check(
    property(string({ unit: 'binary', maxLength: 60 }), (text) => {
      for (const candidate of [text, `postgres://${text}`, `postgres://u:${text}@h/d`]) {
        const parsed = parseConnectionString(candidate);
        assert.ok('problem' in parsed || (parsed.host !== '' && parsed.port <= 65_535));
      }
    }),
  );
  check(
    property(string({ unit: 'grapheme', minLength: 1 }), string({ unit: 'grapheme' }), (user, password) => {
      const parsed = parseConnectionString(
        `postgresql://${encodeURIComponent(user)}:${encodeURIComponent(password)}@h:1/d`,
      );
      assert.deepEqual('problem' in parsed ? parsed : [parsed.user, parsed.password], [user, password]);
    }),
  );
});
