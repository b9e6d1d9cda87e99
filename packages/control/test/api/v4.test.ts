// The paths and shapes that cloudflared and other clients of Cloudflare's API rely on.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { firstNetworkId } from '../../src/index.ts';
import { createApiBench, send, token } from '../support/api-bench.ts';

const tunnels = '/accounts/acc/cfd_tunnel';

test('a tunnel is created, found, changed and deleted as cloudflared does it', async (t) => {
  const { call, control, links } = await createApiBench(t);
  const secret = Buffer.alloc(32, 'S').toString('base64');
  const created = await call('POST', tunnels, { name: 'home', tunnel_secret: secret });
  assert.equal(created.status, 200);
  const { id } = created.result;
  assert.deepEqual(created.result, {
    id,
    account_tag: 'acc',
    name: 'home',
    created_at: '2026-01-02T03:04:05.000Z',
    deleted_at: null,
    status: 'inactive',
    tun_type: 'cfd_tunnel',
    config_src: 'local',
    remote_config: false,
    conns_active_at: null,
    conns_inactive_at: null,
    connections: [],
    metadata: {},
  });
  assert.deepEqual((await call('GET', `${tunnels}/${id.toUpperCase()}`)).result, created.result);
  assert.deepEqual((await call('GET', `${tunnels}?name=home&is_deleted=false`)).result, [created.result]);
  assert.deepEqual((await control.tunnels.secretOf(id))?.toString(), 'S'.repeat(32));
  assert.equal((await call('PATCH', `${tunnels}/${id}`, { name: 'house' })).result.name, 'house');
  const changed = await call('PATCH', `${tunnels}/${id}`, { tunnel_secret: Buffer.alloc(33, 1).toString('base64') });
  assert.ok(!changed.text.includes('secret'));
  assert.equal((await control.tunnels.secretOf(id))?.length, 33);
  const deleted = await call('DELETE', `${tunnels}/${id}`);
  assert.equal(deleted.result.deleted_at, '2026-01-02T03:04:05.000Z');
  assert.deepEqual(links.ended, [[id, undefined]]);
  assert.equal((await call('GET', `${tunnels}/${id}`)).result.deleted_at, deleted.result.deleted_at);
  assert.deepEqual((await call('GET', `${tunnels}?is_deleted=false`)).result, []);
  for (const [method, path] of [
    ['DELETE', ''],
    ['PATCH', ''],
    ['GET', '/token'],
  ] as const) {
    const gone = await call(method, `${tunnels}/${id}${path}`, method === 'GET' ? undefined : {});
    assert.deepEqual([gone.status, gone.errors[0]!.error], [404, 'not_found'], method);
  }
});

test('a tunnel’s secret leaves only inside its token', async (t) => {
  const { call, api } = await createApiBench(t);
  const secret = Buffer.alloc(32, 'S');
  const { result } = await call('POST', tunnels, { name: 'a', tunnel_secret: secret.toString('base64') });
  const answers = [
    await call('GET', tunnels),
    await call('GET', `${tunnels}/${result.id}`),
    await call('POST', tunnels, { name: 'a', tunnel_secret: secret.toString('base64') }),
    await call('POST', tunnels, { name: 'b', tunnel_secret: `${secret.toString('base64')}!` }),
    await send(api, { method: 'POST', path: tunnels, body: `{"tunnel_secret": "${secret.toString('base64')}"` }),
  ];
  for (const { text } of answers) assert.ok(!text.includes('SSSS') && !text.includes('U1NT'), text);
  const { result: shown } = await call('GET', `${tunnels}/${result.id}/token`);
  assert.equal(shown, `token of ${result.id}: ${secret.toString('hex')}`);
});

test('lists come in pages, and say how much there is', async (t) => {
  const { call, control } = await createApiBench(t);
  for (let index = 10; index < 35; index += 1) await control.tunnels.create({ name: `t${index}` });
  const first = await call('GET', tunnels);
  assert.deepEqual(first.result_info, { count: 20, page: 1, per_page: 20, total_count: 25, total_pages: 2 });
  const second = await call('GET', `${tunnels}?page=2`);
  assert.deepEqual(
    second.result.map(({ name }: { name: string }) => name),
    ['t30', 't31', 't32', 't33', 't34'],
  );
  assert.equal((await call('GET', `${tunnels}?page=9`)).result.length, 0);
  assert.equal((await call('GET', `${tunnels}?per_page=99999999`)).result_info.per_page, 1000);
  const names = async (query: string): Promise<string[]> =>
    (await call('GET', `${tunnels}?per_page=100&${query}`)).result.map(({ name }: { name: string }) => name);
  assert.deepEqual(await names('name_prefix=t3'), ['t30', 't31', 't32', 't33', 't34']);
  assert.equal((await names('exclude_prefix=t3')).length, 20);
  assert.equal((await names('existed_at=2020-01-01T00:00:00Z')).length, 0);
  for (const query of ['page=0', 'page=x', 'per_page=-1', 'is_deleted=maybe', 'existed_at=soon']) {
    assert.equal((await call('GET', `${tunnels}?${query}`)).status, 400, query);
  }
});

test('connections are listed by connector, ended by either, and keep a tunnel from being deleted', async (t) => {
  const { call, control, links } = await createApiBench(t);
  const { id } = await control.tunnels.create({ name: 'a' });
  const other = '22222222-2222-4222-8222-222222222222';
  links.add(id);
  links.add(id, { openedAt: new Date('2025-01-01T00:00:00Z') });
  links.add(id, { connectorId: other });
  const { result } = await call('GET', `${tunnels}/${id}`);
  assert.deepEqual(
    [result.status, result.conns_active_at, result.connections.length],
    ['healthy', '2025-01-01T00:00:00.000Z', 3],
  );
  const clients = (await call('GET', `${tunnels}/${id}/connections`)).result;
  assert.deepEqual(
    clients.map((client: { id: string; conns: [] }) => [client.id, client.conns.length]),
    [
      ['11111111-1111-4111-8111-111111111111', 2],
      [other, 1],
    ],
  );
  assert.deepEqual(clients[0].conns[0], {
    id: '00000000-0000-4000-8000-000000000000',
    uuid: '00000000-0000-4000-8000-000000000000',
    colo_name: 'edge',
    client_id: '11111111-1111-4111-8111-111111111111',
    client_version: '0.1.0',
    origin_ip: '192.0.2.1',
    opened_at: '2026-01-01T00:00:00.000Z',
    is_pending_reconnect: false,
  });
  assert.deepEqual(
    [clients[0].version, clients[0].arch, clients[0].run_at],
    ['0.1.0', 'linux_x64', '2025-01-01T00:00:00.000Z'],
  );
  assert.deepEqual((await call('GET', `${tunnels}?status=inactive`)).result, []);
  const refused = await call('DELETE', `${tunnels}/${id}`);
  assert.deepEqual([refused.status, refused.errors[0]!.code], [409, 1022]);
  assert.match(refused.errors[0]!.message, /^Cannot delete tunnel because it has active connections/);
  await call('DELETE', `${tunnels}/${id}/connections?client_id=${other}`);
  assert.equal(links.connections(id).length, 2);
  assert.equal((await call('DELETE', `${tunnels}/${id}?cascade=true`)).status, 200);
  assert.equal(links.connections(id).length, 0);
});

test('IP routes are added, filtered, looked up, changed and deleted', async (t) => {
  const { call, control } = await createApiBench(t);
  const { id: tunnel_id } = await control.tunnels.create({ name: 'home' });
  const routes = '/client/v4/accounts/default/teamnet/routes';
  const added = await call('POST', routes, { network: '10.1.2.3/16', tunnel_id, comment: 'lab' });
  const { id } = added.result;
  assert.deepEqual(added.result, {
    id,
    network: '10.1.0.0/16',
    tunnel_id,
    tunnel_name: 'home',
    tun_type: 'cfd_tunnel',
    comment: 'lab',
    virtual_network_id: firstNetworkId,
    virtual_network_name: 'default',
    created_at: '2026-01-02T03:04:05.000Z',
    deleted_at: null,
  });
  const taken = await call('POST', routes, { network: '10.1.0.0/16', tunnel_id });
  assert.deepEqual([taken.status, taken.errors[0]!.code], [409, 1014]);
  await call('POST', routes, { network: '10.0.0.0/8', tunnel_id });
  await call('POST', routes, { network: 'fd00::/8', tunnel_id });
  const networks = async (query: string): Promise<string[]> =>
    (await call('GET', `${routes}?${query}`)).result.map(({ network }: { network: string }) => network);
  assert.equal((await networks('tun_types=cfd_tunnel&is_deleted=false')).length, 3);
  assert.deepEqual(await networks('is_deleted=true'), []);
  assert.deepEqual(await networks('network_subset=10.0.0.0/9'), ['10.1.0.0/16']);
  assert.deepEqual(await networks('network_superset=10.1.5.0/24'), ['10.0.0.0/8', '10.1.0.0/16']);
  assert.deepEqual(await networks('network_subset=10.1.0.0/16&network_superset=10.1.0.0/16'), ['10.1.0.0/16']);
  assert.deepEqual(await networks('comment=lab'), ['10.1.0.0/16']);
  assert.deepEqual(await networks(`tunnel_id=${firstNetworkId}`), []);
  assert.equal((await call('GET', `${routes}?network_subset=nonsense`)).status, 400);
  assert.equal((await call('GET', `${routes}/ip/10.1.9.9`)).result.id, id);
  assert.equal(
    (await call('GET', `${routes}/ip/fd00%3A%3A1?virtual_network_id=${firstNetworkId}`)).result.network,
    'fd00::/8',
  );
  assert.deepEqual((await call('GET', `${routes}/ip/192.0.2.1`)).result, {});
  assert.equal((await call('GET', `${routes}/ip/nonsense`)).status, 400);
  assert.equal((await call('PATCH', `${routes}/${id}`, { comment: 'x' })).result.comment, 'x');
  assert.equal((await call('PATCH', `${routes}/${id}`, { network: '' })).status, 400);
  assert.equal((await call('DELETE', `${routes}/${id}`)).result.network, '10.1.0.0/16');
  assert.equal((await call('GET', `${routes}/${id}`)).status, 404);
  assert.equal((await call('POST', routes, { network: '10.0.0.0/8', tunnel_id: 'none' })).status, 404);
});

test('hostname routes have the paths of their own', async (t) => {
  const { call, control } = await createApiBench(t);
  const { id: tunnel_id } = await control.tunnels.create({ name: 'home' });
  const routes = '/accounts/acc/zerotrust/routes/hostname';
  const { result } = await call('POST', routes, { hostname: 'DB.Internal.', tunnel_id });
  assert.equal(result.hostname, 'db.internal');
  assert.equal(result.tunnel_name, 'home');
  assert.equal((await call('POST', routes, { hostname: 'db.internal', tunnel_id })).status, 409);
  assert.deepEqual((await call('GET', `${routes}?hostname=DB.internal.`)).result, [result]);
  assert.deepEqual((await call('GET', `${routes}/${result.id}`)).result, result);
  assert.equal(
    (await call('PATCH', `${routes}/${result.id}`, { hostname: '*.internal' })).result.hostname,
    '*.internal',
  );
  assert.equal(control.table.forName(undefined, 'x.internal')?.match, '*.internal');
  await call('DELETE', `${routes}/${result.id}`);
  assert.deepEqual((await call('GET', routes)).result, []);
});

test('virtual networks are added, made the default, renamed and deleted', async (t) => {
  const { call, control } = await createApiBench(t);
  const { id: tunnel_id } = await control.tunnels.create({ name: 'home' });
  const networks = '/accounts/acc/teamnet/virtual_networks';
  const { result } = await call('POST', networks, { name: 'office', comment: 'c', is_default_network: false });
  assert.deepEqual(result, {
    id: result.id,
    name: 'office',
    comment: 'c',
    is_default_network: false,
    created_at: '2026-01-02T03:04:05.000Z',
    deleted_at: null,
  });
  const names = async (query: string): Promise<string[]> =>
    (await call('GET', `${networks}?${query}`)).result.map(({ name }: { name: string }) => name);
  assert.deepEqual(await names(''), ['default', 'office']);
  assert.deepEqual(await names('is_default=true'), ['default']);
  assert.deepEqual(await names('name=office&is_deleted=false'), ['office']);
  assert.deepEqual(await names('is_deleted=true'), []);
  assert.equal((await call('POST', networks, { name: 'office' })).status, 409);
  const patched = await call('PATCH', `${networks}/${result.id}`, { name: 'hq', is_default_network: true });
  assert.deepEqual([patched.result.name, patched.result.is_default_network], ['hq', true]);
  assert.equal((await call('DELETE', `${networks}/${result.id}?force=true`)).status, 409);
  await call('POST', '/accounts/acc/teamnet/routes', {
    network: '10.0.0.0/8',
    tunnel_id,
    virtual_network_id: firstNetworkId,
  });
  assert.equal((await call('DELETE', `${networks}/${firstNetworkId}`)).errors[0]!.error, 'in_use');
  assert.equal((await call('DELETE', `${networks}/${firstNetworkId}?force=true`)).status, 200);
  assert.equal((await call('GET', `${networks}/${firstNetworkId}`)).status, 404);
});

test('a public hostname is led to a tunnel, and elsewhere only with overwrite_existing', async (t) => {
  const { call, control } = await createApiBench(t);
  const a = await control.tunnels.create({ name: 'a' });
  const b = await control.tunnels.create({ name: 'b' });
  const put = (tunnel: string, overwrite_existing?: boolean): ReturnType<typeof call> =>
    call('PUT', `/zones/any/tunnels/${tunnel}/routes`, {
      type: 'dns',
      user_hostname: 'WWW.example.com',
      overwrite_existing,
    });
  assert.deepEqual((await put(a.id)).result, { cname: 'new', name: 'www.example.com' });
  assert.deepEqual((await put(a.id)).result.cname, 'unchanged');
  const refused = await put(b.id, false);
  assert.deepEqual([refused.status, refused.errors[0]!.code], [409, 1003]);
  assert.deepEqual((await put(b.id, true)).result.cname, 'updated');
  const [route] = (await call('GET', '/accounts/acc/public_hostnames?hostname=www.example.com')).result;
  assert.deepEqual([route.tunnel_name, route.hostname], ['b', 'www.example.com']);
  await call('DELETE', `/accounts/acc/public_hostnames/${route.id}`);
  assert.equal(control.table.forPublicHostname('www.example.com'), undefined);
  const balancer = await call('PUT', `/zones/any/tunnels/${a.id}/routes`, { type: 'lb', lb_name: 'x', lb_pool: 'y' });
  assert.deepEqual([balancer.status, balancer.errors[0]!.error], [400, 'not_supported']);
});

test('a token can be verified, and the account is this edge’s', async (t) => {
  const { call, api } = await createApiBench(t);
  assert.equal((await call('GET', '/client/v4/user/tokens/verify')).result.status, 'active');
  for (const account of ['acc', 'default']) {
    assert.equal((await call('GET', `/accounts/${account}/cfd_tunnel`)).status, 200);
  }
  const other = await call('GET', '/accounts/other/cfd_tunnel');
  assert.deepEqual([other.status, other.errors[0]!.error], [404, 'unknown_account']);
  // cloudflared reads errors only from exactly this type.
  assert.equal(other.headers['content-type'], 'application/json');
  const lower = await send(api, { path: '/user/tokens/verify', headers: { authorization: `bearer  ${token} ` } });
  assert.equal(lower.status, 200);
});
