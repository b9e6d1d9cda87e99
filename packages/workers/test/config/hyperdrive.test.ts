// Hyperdrive bindings: which database a name stands for in development, and what is no connection string.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { assert as check, property, string } from 'fast-check';
import { formatDiagnostics } from '../../src/config/format.ts';
import { parseConnectionString } from '../../src/config/connection-string.ts';
import type { LoadedProject } from '../../src/config/load-project.ts';
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
    channelBinding: undefined,
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

const value = (text: string): string => `{ "binding": "DB", "id": "${id}", "localConnectionString": ${text} }`;
const json = (binding: string): string =>
  `{ "name": "shop", "main": "index.js", "compatibility_date": "2026-11-01",\n"hyperdrive": [${binding}] }`;
const toml = (line: string): string =>
  `name = "shop"\nmain = "index.js"\ncompatibility_date = "2026-11-01"\n[[hyperdrive]]\nbinding = "DB"\n${line}\n`;

test('no diagnostic shows a password: neither of the string itself nor of another key in its line', async (t) => {
  const texts: Record<string, string>[] = [
    { 'wrangler.json': json(value('"mysql://u:s3cret@db/d"')) },
    { 'wrangler.json': json(value('"host=db password=s3cret"')) },
    { 'wrangler.json': json(value('"postgres://u:s3@cret/s3cret@db/d?x", "colour": 1')) },
    { 'wrangler.json': json(value('"postgres://u:a"s3cret@db/d"')) },
    { 'wrangler.json': json(value('"nothing s3cret').slice(0, -2)) },
    { 'wrangler.json': json(value('"postgres:\\/\\/u:s3cret@db/d", "colour": 1')) },
    {
      'wrangler.json': json(value('"x"').replace('localConnectionString": "x', 'localConnString": "pg://u:s3cret@h/d')),
    },
    { 'wrangler.json': json(value('"x"').replace('localC', 'LOCALc').replace('"x"', '"password s3cret"')) },
    { 'wrangler.json': json(value('"postgres://u@db/?password=s3cret", "colour": 1')) },
    { 'wrangler.toml': toml("localConnectionString = 'u:s3cret'") },
    { 'wrangler.toml': toml('localConnectionString = s3cret') },
    { 'wrangler.toml': toml('id = 5 # localConnectionString = "mysql://u:s3cret@db/d"') },
  ];
  for (const text of texts) {
    const { diagnostics } = await load(t, text);
    assert.ok(
      diagnostics.some(({ quote }) => quote?.includes('*')),
      JSON.stringify([text, diagnostics]),
    );
    assert.doesNotMatch(JSON.stringify(diagnostics), /s3|cret/);
    const shown = formatDiagnostics(diagnostics, { color: false, cwd: '/' });
    assert.doesNotMatch(shown, /s3|cret/);
    const quotes = diagnostics.map(({ quote, line = 0 }) => [
      quote?.length,
      Object.values(text)[0]!.split('\n')[line - 1],
    ]);
    for (const [length, line] of quotes) if (length !== undefined) assert.equal(length, (line as string).length);
  }
});

test('in development the files of a connection string have to be there, and to be PEM', async (t) => {
  const files = { 'text.pem': 'nothing', 'folder/x': '' };
  const loadWith = (parameters: string, usesLocal: boolean): Promise<LoadedProject> =>
    load(
      t,
      { ...files, 'wrangler.json': bound({ localConnectionString: `${url('h')}?${parameters}` }) },
      { usesLocal },
    );
  const wrong: readonly [parameters: string, message: RegExp, remedy: RegExp, missing: number][] = [
    ['sslrootcert=no.pem', /sslrootcert: there is no file .*no\.pem/, /Correct the path/, 1],
    ['sslrootcert=text.pem', /sslrootcert: .*text\.pem holds no PEM certificate/, /BEGIN/, 0],
    ['sslrootcert=folder', /sslrootcert: .*folder is no PEM file/, /PEM/, 0],
    ['sslcert=no.pem&sslkey=no.key', /sslcert: there is no file/, /Correct the path/, 2],
  ];
  for (const [parameters, message, remedy, count] of wrong) {
    const { project, diagnostics, missing } = await loadWith(parameters, true);
    assert.equal(project, undefined);
    const [first] = diagnostics;
    assert.deepEqual([first?.code, typeof first?.line, typeof first?.column], ['database_file', 'number', 'number']);
    assert.match(first!.message, message);
    assert.match(first!.remedy, remedy);
    assert.equal(missing.length, count);
    assert.deepEqual((await loadWith(parameters, false)).diagnostics, []);
  }
});

test('a variable that names no binding is warned of, with the binding that was meant', async (t) => {
  const options = { usesLocal: true, processEnv: { [`${variable}X`]: url('h'), [`${older}_QUITE_ANOTHER`]: url('h') } };
  const { project, diagnostics } = await load(t, { 'wrangler.json': bound() }, options);
  assert.ok(project !== undefined);
  assert.deepEqual(summarize(diagnostics), ['warning unused_connection_string', 'warning unused_connection_string']);
  assert.equal(diagnostics[0]!.remedy, `Did you mean ${variable}?`);
  assert.match(diagnostics[1]!.remedy, /binding in "hyperdrive"/);
});

test('a parameter that would be lost is a problem, with what to do about it', () => {
  const wrong: readonly [parameters: string, problem: RegExp, remedy: RegExp][] = [
    ['sslmodee=verify-full', /^the parameter sslmodee is not known$/, /mean sslmode\?/],
    ['sslMode=require', /sslMode is not known/, /mean sslmode/],
    ['options=-csearch_path%3Dx', /options is not known/, /Leave it out/],
    ['sslmode=verifyfull', /sslmode is verifyfull/, /mean sslmode=verify-full/],
    ['sslmode=disable&sslmode=require', /more than once/, /Keep one/],
    ['ssl=1', /ssl is 1/, /sslmode=require/],
    ['ssl=true&sslmode=prefer', /different things/, /Keep sslmode/],
    ['ssl=false&sslmode=verify-ca', /different things/, /Keep sslmode/],
    ['sslmode=require&sslcert=a.pem', /sslcert and no sslkey/, /both/],
    ['sslkey=a.key', /sslkey and no sslcert/, /both/],
    ['channel_binding=required', /channel_binding is required; known are require/, /Leave it out/],
    ['channel_binding=require&sslmode=disable', /needs TLS/, /sslmode=require/],
    ['target_session_attrs=read-write', /target_session_attrs/, /any/],
  ];
  for (const [parameters, problem, remedy] of wrong) {
    const parsed = parseConnectionString(`postgres://u:p@h/d?${parameters}`);
    assert.ok('problem' in parsed, parameters);
    assert.match(parsed.problem, problem);
    assert.match(parsed.remedy ?? '', remedy);
  }
  const right: readonly [parameters: string, sslmode: string | undefined][] = [
    ['application_name=x&connect_timeout=5&keepalives_idle=9&gssencmode=disable', undefined],
    ['ssl=true', 'require'],
    ['ssl=false', 'disable'],
    ['ssl=true&sslmode=verify-full', 'verify-full'],
    ['sslmode=require&channel_binding=prefer', 'require'],
    ['sslmode=require&channel_binding=require', 'require'],
  ];
  for (const [parameters, sslmode] of right) {
    const parsed = parseConnectionString(`postgres://u:p@h/d?${parameters}`);
    assert.ok(!('problem' in parsed), parameters);
    assert.equal(parsed.sslmode, sslmode);
  }
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
