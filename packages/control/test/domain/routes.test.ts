// Routes and virtual networks: canonical, unique, and gone with what they lead to.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ControlChange, firstNetworkId } from '../../src/index.ts';
import { code, createBench } from '../support/bench.ts';

test('a network is stored with its host bits zero, whatever its spelling, and is unique in its virtual network', async (t) => {
  const { control } = await createBench(t);
  const { id: tunnel_id } = await control.tunnels.create({ name: 'a' });
  const spellings: [string, string][] = [
    ['10.1.2.3/16', '10.1.0.0/16'],
    ['192.168.0.7', '192.168.0.7/32'],
    ['FD00:0:0::1/8', 'fd00::/8'],
    ['::1', '::1/128'],
    ['::ffff:172.16.5.5/108', '172.16.0.0/12'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['::/0', '::/0'],
  ];
  for (const [written, network] of spellings) {
    assert.equal((await control.routes.ip.create({ network: written, tunnel_id })).network, network);
    await assert.rejects(control.routes.ip.create({ network, tunnel_id }), code('already_exists', network));
  }
  for (const network of [
    '',
    '10.0.0.0/33',
    '10.0.0/8',
    '010.0.0.1/8',
    '0x0a.0.0.1',
    'fe80::1%eth0',
    '::/129',
    '::ffff:1.2.3.4/80',
    '10.0.0.0/8/8',
    '10.0.0.0/-1',
    'a',
    '1.2.3.4/ 8',
  ]) {
    await assert.rejects(control.routes.ip.create({ network, tunnel_id }), code('invalid_value'), network);
  }
  const other = await control.networks.create({ name: 'other' });
  await control.routes.ip.create({ network: '10.1.0.0/16', tunnel_id, virtual_network_id: other.id });
  await assert.rejects(
    control.routes.ip.create({ network: '10.2.0.0/16', tunnel_id: 'none' }),
    code('not_found', 'tunnel none'),
  );
  for (const virtual_network_id of ['none', '../tunnels', 'x'.repeat(1000)]) {
    await assert.rejects(
      control.routes.ip.create({ network: '10.2.0.0/16', tunnel_id, virtual_network_id }),
      code('not_found', 'virtual network'),
    );
  }
});

test('host names are stored in canonical form, and addresses are no host names', async (t) => {
  const { control } = await createBench(t);
  const { id: tunnel_id } = await control.tunnels.create({ name: 'a' });
  const spellings: [string, string][] = [
    ['DB.Internal.', 'db.internal'],
    ['*.Bücher.example', '*.xn--bcher-kva.example'],
    ['bücher.example', 'xn--bcher-kva.example'],
    ['internal', 'internal'],
  ];
  for (const [written, hostname] of spellings) {
    assert.equal((await control.routes.hostnames.create({ hostname: written, tunnel_id })).hostname, hostname);
    await assert.rejects(control.routes.hostnames.create({ hostname, tunnel_id }), code('already_exists', hostname));
    assert.equal((await control.routes.publicHostnames.create({ hostname: written, tunnel_id })).hostname, hostname);
    await assert.rejects(
      control.routes.publicHostnames.create({ hostname, tunnel_id }),
      code('already_exists', hostname),
    );
  }
  for (const hostname of [
    '',
    '*',
    '*.',
    'a.*.b',
    '*.*.b',
    '127.1',
    '*.10.0.0.1',
    'a:80',
    'a b',
    'http://a',
    'a/b',
    'a%2eb',
    'a'.repeat(64),
  ]) {
    await assert.rejects(control.routes.hostnames.create({ hostname, tunnel_id }), code('invalid_value'), hostname);
  }
  assert.equal(control.table.forName(undefined, 'BÜCHER.example.')?.match, 'xn--bcher-kva.example');
  assert.equal(control.table.forName(undefined, 'x.bücher.example')?.match, '*.xn--bcher-kva.example');
  assert.equal(control.table.forName(undefined, '10.0.0.1'), undefined);
  assert.equal(control.table.forPublicHostname('DB.INTERNAL')?.tunnelId, tunnel_id);
});

test('an IPv4-mapped address is looked up as its IPv4 address', async (t) => {
  const { control } = await createBench(t);
  const { id: tunnelId } = await control.tunnels.create({ name: 'a' });
  await control.routes.ip.create({ network: '10.0.0.0/8', tunnel_id: tunnelId });
  assert.deepEqual(control.table.forAddress(undefined, '::ffff:10.1.1.1'), { tunnelId, match: '10.0.0.0/8' });
  assert.deepEqual(control.table.forAddress(undefined, '::ffff:a01:101'), { tunnelId, match: '10.0.0.0/8' });
  assert.equal(control.table.forAddress(undefined, '64:ff9b::a01:101'), undefined);
  assert.equal(control.table.forAddress(undefined, 'not an address'), undefined);
  assert.equal(control.table.forAddress('none', '10.1.1.1'), undefined);
});

test('a tunnel with routes is deleted with cascade only, and its routes go with it', async (t) => {
  const { control } = await createBench(t);
  const a = await control.tunnels.create({ name: 'a' });
  const b = await control.tunnels.create({ name: 'b' });
  await control.routes.ip.create({ network: '10.0.0.0/8', tunnel_id: a.id });
  await control.routes.ip.create({ network: '10.1.0.0/16', tunnel_id: b.id });
  await control.routes.hostnames.create({ hostname: 'db.internal', tunnel_id: a.id });
  await control.routes.publicHostnames.create({ hostname: 'www.example.com', tunnel_id: a.id });
  assert.deepEqual(control.table.announced(a.id), { cidrs: ['10.0.0.0/8'], hostnames: ['db.internal'] });
  await assert.rejects(control.tunnels.delete(a.id), code('in_use', 'tunnel a has 3 routes'));
  assert.equal(control.table.tunnelName(a.id), 'a');
  await control.tunnels.delete(a.id, { cascade: true });
  assert.equal(control.table.tunnelName(a.id), undefined);
  assert.deepEqual(control.table.announced(a.id), { cidrs: [], hostnames: [] });
  assert.equal(control.table.forAddress(undefined, '10.2.0.1'), undefined);
  assert.equal(control.table.forAddress(undefined, '10.1.0.1')?.tunnelId, b.id);
  assert.equal(control.table.forName(undefined, 'db.internal'), undefined);
  assert.equal(control.table.forPublicHostname('www.example.com'), undefined);
  assert.deepEqual(
    control.routes.ip.list().map(({ network }) => network),
    ['10.1.0.0/16'],
  );
});

test('a route is changed in place, and moved when its network changes', async (t) => {
  const { control } = await createBench(t);
  const a = await control.tunnels.create({ name: 'a' });
  const b = await control.tunnels.create({ name: 'b' });
  const { id } = await control.routes.ip.create({ network: '10.0.0.0/8', tunnel_id: a.id, comment: 'one' });
  const taken = await control.routes.ip.create({ network: '10.9.0.0/16', tunnel_id: a.id });
  const changes: ControlChange[] = [];
  control.onChange((change) => changes.push(change));
  assert.equal((await control.routes.ip.update(id, { tunnel_id: b.id })).comment, 'one');
  assert.deepEqual(changes, [{ type: 'routes-changed', tunnelIds: new Set([a.id, b.id]) }]);
  await assert.rejects(control.routes.ip.update(id, { network: '10.9.1.1/16' }), code('already_exists'));
  const moved = await control.routes.ip.update(id, { network: '10.8.0.0/16', comment: 'two' });
  assert.deepEqual([moved.id, moved.comment], [id, 'two']);
  assert.equal(control.table.forAddress(undefined, '10.0.0.1'), undefined);
  assert.equal(control.table.forAddress(undefined, '10.8.0.1')?.tunnelId, b.id);
  assert.equal((await control.routes.ip.delete(taken.id)).id, taken.id);
  await assert.rejects(control.routes.ip.delete(taken.id), code('not_found'));
});

test('a public hostname is led elsewhere only when that is asked for', async (t) => {
  const { control } = await createBench(t);
  const a = await control.tunnels.create({ name: 'a' });
  const b = await control.tunnels.create({ name: 'b' });
  const { publicHostnames } = control.routes;
  const put = async (tunnel_id: string, overwrite: boolean): Promise<string> =>
    (await publicHostnames.put({ hostname: 'WWW.example.com', tunnel_id }, { overwrite })).change;
  assert.equal(await put(a.id, false), 'new');
  assert.equal(await put(a.id, false), 'unchanged');
  await assert.rejects(put(b.id, false), code('already_exists', a.id));
  assert.equal(await put(b.id, true), 'updated');
  assert.equal(control.table.forPublicHostname('www.example.com')?.tunnelId, b.id);
  assert.equal(publicHostnames.list().length, 1);
});

test('one virtual network is the default, and routes without one go there', async (t) => {
  const { control } = await createBench(t);
  const { networks, routes, table } = control;
  const { id: tunnel_id } = await control.tunnels.create({ name: 'a' });
  assert.deepEqual(table.networks(), [{ id: firstNetworkId, name: 'default', isDefault: true }]);
  await assert.rejects(networks.delete(firstNetworkId, { force: true }), code('in_use', 'default'));
  const office = await networks.create({ name: 'office', comment: 'first floor' });
  assert.equal(office.is_default_network, false);
  await assert.rejects(networks.create({ name: 'office' }), code('already_exists'));
  await assert.rejects(networks.update(office.id, { name: 'default' }), code('already_exists'));
  await routes.ip.create({ network: '10.0.0.0/8', tunnel_id });
  const updated = await networks.update(office.id, { name: 'hq', is_default_network: true });
  assert.deepEqual([updated.name, updated.comment, updated.is_default_network], ['hq', 'first floor', true]);
  assert.equal(networks.get(firstNetworkId)?.is_default_network, false);
  assert.equal(table.forAddress(undefined, '10.0.0.1'), undefined);
  assert.equal(table.forAddress(firstNetworkId, '10.0.0.1')?.match, '10.0.0.0/8');
  assert.equal((await routes.ip.create({ network: '10.0.0.0/8', tunnel_id })).virtual_network_id, office.id);
  await assert.rejects(networks.delete(firstNetworkId), code('in_use', 'has 1 route'));
  const changes: ControlChange[] = [];
  control.onChange((change) => changes.push(change));
  await networks.delete(firstNetworkId, { force: true });
  assert.deepEqual(changes[0], { type: 'routes-changed', tunnelIds: new Set([tunnel_id]) });
  assert.deepEqual(
    routes.ip.list().map(({ virtual_network_id }) => virtual_network_id),
    [office.id],
  );
  assert.equal(networks.find('default'), undefined);
  assert.equal(networks.find('hq')?.id, office.id);
});
