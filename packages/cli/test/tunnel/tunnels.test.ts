// `sallyport tunnel create|list|info|delete|token|cleanup` as processes, against a real control API.
import assert from 'node:assert/strict';
import { access, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { decodeToken, parseCredentialsFile } from '@sallyport/tunnel';
import { parse } from 'yaml';
import { connection, createControlBench } from '../support/control-bench.ts';

const uuid = /[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}/;

test('create writes a credentials file for its owner only, and says so', async (t) => {
  const { tunnel, control, home } = await createControlBench(t);
  const { code, stdout, stderr } = await tunnel('create', 'home');
  const [id = ''] = uuid.exec(stdout) ?? [];
  const file = join(home, '.sallyport', `${id}.json`);
  assert.deepEqual([code, stderr], [0, '']);
  assert.equal(
    stdout,
    `Tunnel credentials written to ${file}. Keep this file secret. To revoke these credentials, delete the tunnel.\n\n` +
      `Created tunnel home with id ${id}\n`,
  );
  assert.equal((await stat(file)).mode & 0o777, 0o400);
  const credentials = parseCredentialsFile(await readFile(file, 'utf8'), file);
  assert.deepEqual([credentials.tunnelId, credentials.tunnelName, credentials.accountTag], [id, 'home', 'acc']);
  assert.deepEqual(Buffer.from(credentials.secret), await control.tunnels.secretOf(id));
  assert.deepEqual(credentials.edges, ['127.0.0.1:7844']);
});

test('create takes a secret and a file, makes the folder, and never overwrites', async (t) => {
  const { tunnel, tunnelWith, control, home } = await createControlBench(t);
  const secret = Buffer.alloc(32, 9);
  const file = join(home, 'new', 'creds.json');
  const made = await tunnel('create', '--cred-file', file, '-s', secret.toString('base64'), '-o', 'json', 'home');
  assert.equal(made.code, 0);
  const shown = JSON.parse(made.stdout) as { id: string };
  assert.deepEqual(shown, {
    id: shown.id,
    name: 'home',
    created_at: '2026-01-02T03:04:05Z',
    deleted_at: '0001-01-01T00:00:00Z',
    connections: [],
  });
  assert.equal((await stat(join(home, 'new'))).mode & 0o777, 0o700);
  assert.deepEqual(await control.tunnels.secretOf(shown.id), secret);
  const again = await tunnel('create', '--credentials-file', file, 'office');
  assert.equal(again.code, 1);
  assert.match(
    again.stderr,
    /failed to create tunnel: Your tunnel 'office' was created with ID .*creds\.json already exists\nThe tunnel was deleted/s,
  );
  assert.equal(control.tunnels.find('office'), undefined);
  assert.equal(JSON.parse(await readFile(file, 'utf8')).TunnelID, shown.id);
  const fromEnv = await tunnelWith({ TUNNEL_CREATE_SECRET: Buffer.alloc(33, 8).toString('base64') }, 'create', 'env');
  assert.equal(fromEnv.code, 0);
  assert.deepEqual(await control.tunnels.secretOf(control.tunnels.find('env')!.id), Buffer.alloc(33, 8));
});

test('create refuses what cannot be a name, and a name that is taken, in cloudflared’s words', async (t) => {
  const { tunnel, control } = await createControlBench(t);
  await control.tunnels.create({ name: 'home' });
  const failures: [string[], RegExp][] = [
    [['home'], /^failed to create tunnel: Create Tunnel API call failed: tunnel with name already exists/],
    [['6ff42ae2-765d-4adf-8112-31c55c1551ef'], /^failed to create tunnel: you cannot use UUIDs as tunnel names/],
    [[''], /^failed to create tunnel: .*may not be empty/],
    [['a', '-s', 'c2hvcnQ='], /from 32 to 512 bytes, not 5/],
    [['a', '-s', '!!'], /"tunnel_secret" is not base64/],
  ];
  for (const [args, text] of failures) {
    const { code, stdout, stderr } = await tunnel('create', ...args);
    assert.deepEqual([code, stdout], [1, ''], args.join(' '));
    assert.match(stderr, text);
    assert.ok(!stderr.includes('    at '), 'no stack');
  }
  assert.equal(control.tunnels.list().length, 1);
  for (const args of [[], ['a', 'b'], ['a', '-o', 'xml']]) assert.equal((await tunnel('create', ...args)).code, 64);
});

test('create takes the tunnel back when its credentials cannot be written', async (t) => {
  const { tunnel, control, home } = await createControlBench(t);
  await writeFile(join(home, 'file'), '');
  const { code, stderr } = await tunnel('create', '--cred-file', join(home, 'file', 'creds.json'), 'a');
  assert.equal(code, 1);
  assert.match(stderr, /The file-writing error is: E.*The tunnel was deleted, because/s);
  assert.deepEqual(control.tunnels.list({ deleted: false }), []);
});

test('list shows cloudflared’s columns, filters and sorts', async (t) => {
  const { tunnel, control, connections } = await createControlBench(t);
  assert.match((await tunnel('list')).stdout, /^No tunnels were found for the given filter flags/);
  const alpha = await control.tunnels.create({ name: 'alpha' });
  const beta = await control.tunnels.create({ name: 'beta' });
  const gone = await control.tunnels.create({ name: 'gone' });
  await control.tunnels.delete(gone.id);
  connections.set(beta.id, [connection(), connection({ id: '00000000-0000-4000-8000-000000000001' })]);
  const { stdout } = await tunnel('list');
  const time = '2026-01-02T03:04:05Z';
  assert.equal(
    stdout,
    'You can obtain more detailed information for each tunnel with `sallyport tunnel info <name/uuid>`\n' +
      `ID                                   NAME  CREATED              CONNECTIONS\n` +
      `${alpha.id} alpha ${time}\n${beta.id} beta  ${time} 2xedge\n`,
  );
  const names = async (...args: string[]): Promise<string[]> => {
    const outcome = await tunnel('list', ...args, '--json');
    assert.equal(outcome.code, 0, outcome.stderr);
    return (JSON.parse(outcome.stdout) as { name: string }[]).map(({ name }) => name);
  };
  assert.deepEqual(await names('-d'), ['alpha', 'beta', 'gone']);
  assert.deepEqual(await names('--invert-sort'), ['beta', 'alpha']);
  assert.deepEqual(await names('--sort-by', 'numConnections', '--invert-sort'), ['beta', 'alpha']);
  assert.deepEqual(await names('--name-prefix', 'al'), ['alpha']);
  assert.deepEqual(await names('--exclude-name-prefix', 'al'), ['beta']);
  assert.deepEqual(await names('-n', 'beta'), ['beta']);
  assert.deepEqual(await names('-i', alpha.id), ['alpha']);
  assert.deepEqual(await names('--when', '2020-01-01T00:00:00Z'), []);
  const deleted = JSON.parse((await tunnel('list', '-d', '-n', 'gone', '-o', 'json')).stdout) as {
    deleted_at: string;
  }[];
  assert.equal(deleted[0]!.deleted_at, time);
  const yaml = parse((await tunnel('list', '-n', 'beta', '-o', 'yaml')).stdout) as { connections: object[] }[];
  assert.deepEqual(yaml[0]!.connections[0], {
    colo_name: 'edge',
    id: '00000000-0000-4000-8000-000000000000',
    is_pending_reconnect: false,
    origin_ip: '192.0.2.1',
    opened_at: '2026-01-01T00:00:00Z',
  });
  for (const args of [
    ['-i', 'x'],
    ['--sort-by', 'constructor'],
    ['-o', 'xml'],
  ]) {
    assert.equal((await tunnel('list', ...args)).code, 64, args.join(' '));
  }
});

test('info shows the connectors of a tunnel, found by name or id', async (t) => {
  const { tunnel, control, connections } = await createControlBench(t);
  const { id } = await control.tunnels.create({ name: 'home' });
  assert.equal((await tunnel('info', 'home')).stdout, `Your tunnel ${id} does not have any active connection.\n`);
  connections.set(id, [connection(), connection({ id: '00000000-0000-4000-8000-000000000001' })]);
  const { stdout } = await tunnel('info', id);
  const head = 'CONNECTOR ID                         CREATED              ARCHITECTURE VERSION ORIGIN IP EDGE';
  const row = '11111111-1111-4111-8111-111111111111 2026-01-01T00:00:00Z linux_x64    0.1.0   192.0.2.1 2xedge';
  assert.equal(stdout, `NAME:     home\nID:       ${id}\nCREATED:  2026-01-02T03:04:05Z\n\n${head}\n${row}\n`);
  const shown = JSON.parse((await tunnel('info', 'home', '--json')).stdout) as { id: string; conns: { conns: [] }[] };
  assert.deepEqual([shown.id, shown.conns[0]!.conns.length], [id, 2]);
  const unknown = await tunnel('info', 'nobody');
  assert.deepEqual([unknown.code, unknown.stdout], [1, '']);
  assert.match(unknown.stderr, /^nobody is neither the ID nor the name of any of your tunnels\n.*tunnel list/);
});

test('delete refuses a tunnel that is in use, and removes the credentials file with the tunnel', async (t) => {
  const { tunnel, control, connections, home } = await createControlBench(t);
  await tunnel('create', 'home');
  const { id } = control.tunnels.find('home')!;
  const file = join(home, '.sallyport', `${id}.json`);
  connections.set(id, [connection()]);
  const refused = await tunnel('delete', 'home');
  assert.deepEqual([refused.code, refused.stdout], [1, '']);
  assert.match(
    refused.stderr,
    new RegExp(`^Error deleting tunnel ${id}: Cannot delete tunnel because it has active connections`),
  );
  connections.clear();
  await control.routes.ip.create({ network: '10.0.0.0/8', tunnel_id: id });
  assert.match((await tunnel('delete', id)).stderr, /tunnel home has 1 route/);
  await access(file);
  await control.tunnels.create({ name: 'other' });
  const deleted = await tunnel('delete', '-f', 'home', 'other');
  assert.deepEqual([deleted.code, deleted.stderr], [0, '']);
  assert.match(deleted.stdout, new RegExp(`^Deleted tunnel home with id ${id}\nDeleted tunnel other with id `));
  await assert.rejects(access(file));
  assert.deepEqual(control.tunnels.list({ deleted: false }), []);
  assert.match((await tunnel('delete', id)).stderr, /is neither the ID nor the name/);
});

test('token prints what runs a tunnel, or writes its credentials', async (t) => {
  const { tunnel, control, home } = await createControlBench(t);
  const { id } = await control.tunnels.create({ name: 'home' });
  const { stdout, code } = await tunnel('token', 'home');
  assert.equal(code, 0);
  assert.deepEqual(Buffer.from(decodeToken(stdout.trim()).secret), await control.tunnels.secretOf(id));
  const file = join(home, 'creds.json');
  const written = await tunnel('token', '--cred-file', file, 'home');
  assert.deepEqual([written.code, written.stdout, written.stderr], [0, '', '']);
  assert.equal((await stat(file)).mode & 0o777, 0o400);
  assert.equal(parseCredentialsFile(await readFile(file, 'utf8'), file).tunnelId, id);
  const again = await tunnel('token', '--cred-file', file, 'home');
  assert.equal(again.code, 1);
  assert.match(again.stderr, /^error writing token credentials to JSON file in path .*creds\.json already exists/);
});

test('cleanup ends the connections of a tunnel or of one connector', async (t) => {
  const { tunnel, control, connections } = await createControlBench(t);
  const { id } = await control.tunnels.create({ name: 'home' });
  const other = '22222222-2222-4222-8222-222222222222';
  connections.set(id, [connection(), connection({ connectorId: other })]);
  const one = await tunnel('cleanup', 'home', '-c', other);
  assert.equal(one.stdout, `Cleanup connection for tunnel ${id} for connector-id ${other}\n`);
  assert.equal(connections.get(id)!.length, 1);
  assert.equal((await tunnel('cleanup', 'home')).code, 0);
  assert.equal(connections.get(id)!.length, 0);
  assert.equal((await tunnel('cleanup', 'home', '-c', 'x')).code, 64);
});

test('without an edge every command says how to find one', async (t) => {
  const { tunnelWith, home } = await createControlBench(t);
  const lost = join(home, 'lost');
  await mkdir(lost);
  const none = await tunnelWith({ SALLYPORT_STATE: lost }, 'list');
  assert.deepEqual([none.code, none.stdout], [1, '']);
  assert.match(none.stderr, /^No edge found: there is no .*lost\/control\.json\nStart one with "sallyport dev"/);
  await writeFile(join(lost, 'control.json'), JSON.stringify({ url: 'http://127.0.0.1:1', token: 'x' }), {
    mode: 0o600,
  });
  const dead = await tunnelWith({}, 'list', '--state', lost);
  assert.equal(dead.code, 1);
  assert.match(dead.stderr, /^The edge does not answer: http:\/\/127\.0\.0\.1:1 \(from .*control\.json\)/);
  const { url } = JSON.parse(await readFile(join(home, '.sallyport', 'control.json'), 'utf8')) as { url: string };
  const wrong = await tunnelWith({ SALLYPORT_API_TOKEN: 'wrong' }, 'create', '--api-url', url, 'a');
  assert.equal(wrong.code, 1);
  assert.match(wrong.stderr, /does not accept the token from \$SALLYPORT_API_TOKEN/);
});
