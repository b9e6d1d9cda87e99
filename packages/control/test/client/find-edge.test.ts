// Which edge a command talks to, and what is said when there is none.
import assert from 'node:assert/strict';
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { ClientError, type EdgeAccess, findEdge, type FindEdgeOptions, findNamedEdge } from '../../src/client/index.ts';
import { temporaryFolder } from '../support/bench.ts';

interface Place {
  folder: string;
  /** Finds from a folder below, as a user who is not root. */
  find: (options?: FindEdgeOptions & { from?: string }) => EdgeAccess;
  write: (path: string, content: unknown) => Promise<void>;
}

async function createPlace(t: TestContext): Promise<Place> {
  const folder = await temporaryFolder(t);
  return {
    folder,
    find: ({ from = '.', env = {}, ...options } = {}) =>
      findEdge({ cwd: join(folder, from), root: false, env: { HOME: join(folder, 'home'), ...env }, ...options }),
    async write(path, content) {
      const file = join(folder, path);
      await mkdir(join(file, '..'), { recursive: true });
      await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content), { mode: 0o600 });
    },
  };
}

const edge = (port: number): object => ({ url: `http://127.0.0.1:${port}`, token: `token-${port}`, account: 'acc' });

const fails =
  (code: string, text: string | RegExp) =>
  (error: unknown): boolean => {
    if (!(error instanceof ClientError) || error.code !== code || error.remedy === '') return false;
    return typeof text === 'string' ? error.message.includes(text) : text.test(error.message);
  };

test('each place is looked at only when those before it say nothing', async (t) => {
  const { folder, find, write } = await createPlace(t);
  await mkdir(join(folder, 'project/src'), { recursive: true });
  assert.throws(
    () => find({ from: 'project/src' }),
    fails('no_edge', /^No edge found: none runs in .*home\/\.local\/state\/sallyport\/control\.json/),
  );

  await write('home/.local/state/sallyport/control.json', edge(1));
  assert.equal(find({ from: 'project/src' }).token, 'token-1');
  await write('xdg/sallyport/control.json', edge(2));
  assert.equal(find({ env: { XDG_STATE_HOME: join(folder, 'xdg') } }).token, 'token-2');
  await write('project/src/sallyport.toml', 'state = "../var"\n');
  assert.equal(find({ from: 'project/src' }).token, 'token-1', 'an edge that never ran there');
  await write('project/var/control.json', edge(3));
  assert.deepEqual(find({ from: 'project/src' }), {
    url: 'http://127.0.0.1:3',
    token: 'token-3',
    account: 'acc',
    source: join(folder, 'project/var/control.json'),
  });
  await write('project/src/api/sallyport.toml', '[[trust]]\nca = "ca.pem"\n');
  assert.equal(find({ from: 'project/src/api' }).token, 'token-3', 'a project below the folder of its edge');
  await write('project/.sallyport/control.json', edge(4));
  assert.equal(find({ from: 'project/src' }).token, 'token-4');
  await write('elsewhere/control.json', edge(5));
  assert.equal(find({ from: 'project', env: { SALLYPORT_STATE: join(folder, 'elsewhere') } }).token, 'token-5');
  await write('other/control.json', edge(6));
  const both = { from: 'project', env: { SALLYPORT_STATE: join(folder, 'elsewhere') } };
  assert.equal(find({ ...both, state: '../other' }).token, 'token-6');
  const url = { SALLYPORT_API_URL: 'https://edge.example/', SALLYPORT_API_TOKEN: ' t ' };
  const explicit = find({ from: 'project', state: '../other', env: url });
  assert.deepEqual(explicit, {
    url: 'https://edge.example',
    token: 't',
    account: 'default',
    source: '$SALLYPORT_API_TOKEN',
  });
  await write('token', 'from-file\n');
  assert.equal(find({ env: { ...url, SALLYPORT_API_TOKEN_FILE: 'token' } }).token, 'from-file');
  assert.equal(find({ apiUrl: 'http://[::1]:9', apiTokenFile: 'token', env: url }).url, 'http://[::1]:9');
});

test('an edge that --edge names is found by its URL, its state directory or its folder, and by nothing else', async (t) => {
  const { folder, write } = await createPlace(t);
  const find = (named: string, { tokenFile, env = {} }: { tokenFile?: string; env?: NodeJS.ProcessEnv } = {}) =>
    findNamedEdge(named, { cwd: folder, env, tokenFile });
  await write('state/control.json', edge(1));
  const env = { SALLYPORT_API_URL: 'https://other.example', SALLYPORT_API_TOKEN: 't', SALLYPORT_STATE: 'none' };
  assert.equal(find('state', { env }).token, 'token-1', 'the environment names another');
  await write('edge/sallyport.toml', 'state = "../state"\n');
  assert.equal(find('edge').token, 'token-1');
  await write('project/.sallyport/control.json', edge(2));
  assert.equal(find('./project').token, 'token-2');
  assert.deepEqual(find('http://127.0.0.1:9/', { env }), {
    url: 'http://127.0.0.1:9',
    token: 't',
    account: 'default',
    source: '$SALLYPORT_API_TOKEN',
  });
  await write('token', 'from-file');
  assert.equal(find('http://127.0.0.1:9', { tokenFile: 'token', env }).token, 'from-file');
  assert.throws(
    () => find('http://127.0.0.1:9'),
    fails('invalid_settings', /use --edge-token-file, .*_TOKEN_FILE or .*_TOKEN$/),
  );
  assert.throws(
    () => find('../nope'),
    (error) =>
      fails('no_named_edge', 'nope/control.json')(error) && /correct --edge/.test((error as ClientError).remedy),
  );
  for (const tokenFile of [undefined, 'token']) {
    const options = tokenFile === undefined ? {} : { tokenFile };
    assert.throws(() => find('127.0.0.1:27845', options), fails('no_named_edge', 'http://127.0.0.1:27845'));
  }
  assert.throws(() => find('state', { tokenFile: 'token' }), fails('invalid_settings', 'needs a URL as --edge'));
});

test('a file that others may read was written by no edge', async (t) => {
  const { folder, find, write } = await createPlace(t);
  await write('.sallyport/control.json', edge(1));
  assert.equal(find().token, 'token-1');
  await chmod(join(folder, '.sallyport/control.json'), 0o644);
  assert.throws(() => find(), fails('invalid_settings', /others may read .*control\.json \(mode 644, not 600\)/));
});

test('what is there and cannot be used is named, and no token is shown', async (t) => {
  const { folder, find, write } = await createPlace(t);
  assert.throws(() => find({ state: 'none' }), fails('no_edge', `there is no ${join(folder, 'none/control.json')}`));
  assert.throws(() => find({ apiTokenFile: 'token' }), fails('invalid_settings', '--api-token-file needs --api-url'));
  assert.throws(() => find({ apiUrl: 'http://a' }), fails('invalid_settings', 'no token was given'));
  assert.throws(() => find({ apiUrl: 'http://a', apiTokenFile: 'none' }), fails('invalid_settings', 'ENOENT'));
  await write('empty', '\n');
  assert.throws(
    () => find({ apiUrl: 'http://a', apiTokenFile: 'empty' }),
    fails('invalid_settings', 'empty holds no token'),
  );
  for (const apiUrl of ['localhost:80', 'ftp://a', 'http://user:hunter2@a', 'http://a/?x=1', '']) {
    const env = { SALLYPORT_API_TOKEN: 'hunter2' };
    assert.throws(() => find({ apiUrl, env }), fails('invalid_settings', 'is not a URL'), apiUrl);
  }
  for (const text of [
    'hunter2',
    '{"token":"hunter2"',
    '{"token":"hunter2"}',
    '{"url":1,"token":"hunter2"}',
    'null',
    '{"url":"http://a","token":""}',
  ]) {
    await write('.sallyport/control.json', text);
    assert.throws(
      () => find(),
      (error) => fails('invalid_settings', 'control.json')(error) && !String(error).includes('hunter2'),
      text,
    );
  }
  await write('sub/sallyport.toml', 'state = ');
  await write('.sallyport/control.json', edge(1));
  assert.equal(find({ from: 'sub' }).token, 'token-1');
  await rm(join(folder, '.sallyport'), { recursive: true });
  assert.throws(() => find({ from: 'sub' }), fails('invalid_settings', 'sallyport.toml: Invalid TOML'));
  await write('sub/sallyport.toml', 'state = 1');
  assert.throws(() => find({ from: 'sub' }), fails('invalid_settings', '"state" is not a path'));
});
