// `sallyport tunnel route …` and `tunnel vnet …` as processes, against a real control API.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { firstNetworkId } from '@sallyport/control';
import { createControlBench } from '../support/control-bench.ts';

const time = '2026-01-02T03:04:05Z';

test('an IP route is added, shown, looked up and deleted in cloudflared’s words', async (t) => {
  const { tunnel, control } = await createControlBench(t);
  const { id } = await control.tunnels.create({ name: 'home' });
  assert.match((await tunnel('route', 'ip', 'show')).stdout, /^No routes were found for the given filter flags/);
  const added = await tunnel('route', 'ip', 'add', '10.1.2.3/16', 'home', 'the lab');
  assert.deepEqual([added.code, added.stdout], [0, `Successfully added route for 10.1.0.0/16 over tunnel ${id}\n`]);
  const [route] = control.routes.ip.list();
  const table =
    'ID                                   NETWORK     VIRTUAL NET ID                       COMMENT TUNNEL ID' +
    '                            TUNNEL NAME CREATED              DELETED\n' +
    `${route!.id} 10.1.0.0/16 ${firstNetworkId} the lab ${id} home        ${time} -\n`;
  assert.equal((await tunnel('route', 'ip', 'show')).stdout, table);
  assert.equal((await tunnel('route', 'ip', 'list')).stdout, table);
  assert.equal((await tunnel('route', 'ip', 'get', '10.1.9.9')).stdout, table);
  assert.equal((await tunnel('route', 'ip', 'get', '10.2.0.1')).stdout, 'No route matches the IP 10.2.0.1\n');
  assert.deepEqual(JSON.parse((await tunnel('route', 'ip', 'show', '--json')).stdout), [
    {
      id: route!.id,
      network: '10.1.0.0/16',
      tunnel_id: id,
      virtual_network_id: firstNetworkId,
      comment: 'the lab',
      created_at: time,
      deleted_at: '0001-01-01T00:00:00Z',
      tunnel_name: 'home',
    },
  ]);
  const within = await tunnel('route', 'ip', 'show', '--filter-network-is-subset-of', '10.0.0.0/8', '--json');
  assert.equal((JSON.parse(within.stdout) as []).length, 1);
  const around = await tunnel('route', 'ip', 'show', '--filter-network-is-superset-of', '10.0.0.0/8', '--json');
  assert.equal((JSON.parse(around.stdout) as []).length, 0);
  const deleted = await tunnel('route', 'ip', 'delete', '10.1.2.3/16');
  assert.deepEqual([deleted.code, deleted.stdout], [0, `Successfully deleted route with ID ${route!.id}\n`]);
  assert.deepEqual(control.routes.ip.list(), []);
});

test('a route that cannot be made or found says why', async (t) => {
  const { tunnel, control } = await createControlBench(t);
  const { id } = await control.tunnels.create({ name: 'home' });
  await control.routes.ip.create({ network: '10.0.0.0/8', tunnel_id: id });
  const failures: [string[], RegExp, number][] = [
    [['ip', 'add', '10.0.0.0/8', 'home'], /^API error: IP route already exists: 10\.0\.0\.0\/8 in virtual network/, 1],
    [['ip', 'add', 'nonsense', 'home'], /^API error: .*"nonsense" is not a network/, 1],
    [['ip', 'add', '10.1.0.0/16', 'nobody'], /^Invalid tunnel: nobody is neither the ID nor the name/, 1],
    [['ip', 'add', '10.1.0.0/16', 'home', '--vnet', 'none'], /^there is no virtual network named none/, 1],
    [['ip', 'get', 'nonsense'], /^API error: .*nonsense is not an IP address/, 1],
    [['ip', 'delete', '10.1.0.0/16'], /^unable to find route for provided network and vnet/, 1],
    [['ip', 'delete', id], /^API error: There is no IP route/, 1],
    [['ip', 'show', '--filter-tunnel-id', 'x'], /Couldn't parse UUID from filter-tunnel-id/, 64],
    [['ip', 'add', '10.0.0.0/8'], /Missing argument: TUNNEL/, 64],
    [['hostname', 'add', '10.0.0.1', 'home'], /^API error: .*is an address; make an IP route for 10\.0\.0\.1/, 1],
    [['hostname', 'delete', 'none.internal'], /^unable to find route for provided hostname/, 1],
    [['dns', 'delete', 'none.example.com'], /^none\.example\.com leads to no tunnel/, 1],
    [['dns', 'home', 'a b'], /^Failed to add route: .*host name "a b"/, 1],
  ];
  for (const [args, text, code] of failures) {
    const outcome = await tunnel('route', ...args);
    assert.deepEqual([outcome.code, outcome.stdout], [code, ''], `${args.join(' ')}: ${outcome.stderr}`);
    assert.match(outcome.stderr, text);
    assert.ok(!outcome.stderr.includes('    at '), 'no stack');
  }
});

test('the same network in two virtual networks is told apart by --vnet', async (t) => {
  const { tunnel, control } = await createControlBench(t);
  const { id } = await control.tunnels.create({ name: 'home' });
  const added = await tunnel('vnet', 'add', 'lab', 'second floor');
  const lab = control.networks.find('lab')!;
  assert.equal(
    added.stdout,
    `Successfully added virtual 'network' lab with ID: ${lab.id}\n` +
      'You can now add IP routes attached to this virtual network. See "sallyport tunnel route ip add --help"\n',
  );
  await tunnel('route', 'ip', 'add', '10.0.0.0/8', 'home');
  await tunnel('route', 'ip', 'add', '10.0.0.0/8', 'home', '--vnet', 'lab', '--comment', 'lab');
  assert.match(
    (await tunnel('route', 'ip', 'delete', '10.0.0.0/8')).stderr,
    /2 virtual networks have it: say which with --vnet/,
  );
  assert.match(
    (await tunnel('route', 'ip', 'get', '10.0.0.1', '--vnet', lab.id)).stdout,
    new RegExp(`${lab.id} lab +${id}`),
  );
  assert.equal((await tunnel('route', 'ip', 'delete', '10.0.0.0/8', '--vnet', 'lab')).code, 0);
  assert.deepEqual(
    control.routes.ip.list().map(({ virtual_network_id }) => virtual_network_id),
    [firstNetworkId],
  );
});

test('virtual networks are listed, changed and deleted', async (t) => {
  const { tunnel, control } = await createControlBench(t);
  const { id: tunnel_id } = await control.tunnels.create({ name: 'home' });
  const { id } = await control.networks.create({ name: 'lab', comment: 'c' });
  assert.equal(
    (await tunnel('vnet', 'list')).stdout,
    'ID                                   NAME    IS DEFAULT COMMENT CREATED              DELETED\n' +
      `${firstNetworkId} default true               ${time} -\n${id} lab     false      c       ${time} -\n`,
  );
  const updated = await tunnel('vnet', 'update', 'lab', '-n', 'hq', '-c', 'new', '-d');
  assert.equal(updated.stdout, "Successfully updated virtual network 'lab'\n");
  const { name, comment, is_default_network } = control.networks.get(id)!;
  assert.deepEqual([name, comment, is_default_network], ['hq', 'new', true]);
  const listed = JSON.parse((await tunnel('vnet', 'list', '--is-default', '-o', 'json')).stdout) as { name: string }[];
  assert.deepEqual(
    listed.map((network) => network.name),
    ['hq'],
  );
  assert.match(
    (await tunnel('vnet', 'delete', 'hq')).stderr,
    /^API error: virtual network hq is the default.*vnet update NAME --default/s,
  );
  await control.routes.ip.create({ network: '10.0.0.0/8', tunnel_id, virtual_network_id: firstNetworkId });
  assert.match(
    (await tunnel('vnet', 'delete', 'default')).stderr,
    /^API error: virtual network default has 1 route\n.*--force/s,
  );
  const deleted = await tunnel('vnet', 'delete', '-f', 'default');
  assert.deepEqual([deleted.code, deleted.stdout], [0, "Successfully deleted virtual network 'default'\n"]);
  assert.deepEqual(control.routes.ip.list(), []);
  assert.match(
    (await tunnel('vnet', 'add', 'hq')).stderr,
    /^Could not add virtual network: virtual network with name already exists/,
  );
  assert.match((await tunnel('vnet', 'delete', 'none')).stderr, /^there is no virtual network named none/);
});

test('host name routes, private and public, are added, shown and deleted', async (t) => {
  const { tunnel, control } = await createControlBench(t);
  const { id } = await control.tunnels.create({ name: 'home' });
  const other = await control.tunnels.create({ name: 'other' });
  const added = await tunnel('route', 'hostname', 'add', 'DB.Internal', 'home', 'database');
  assert.equal(added.stdout, `Successfully added route for db.internal over tunnel ${id}\n`);
  assert.equal(control.table.forName(undefined, 'db.internal')?.tunnelId, id);
  assert.match((await tunnel('route', 'hostname', 'show')).stdout, /^ID .*HOSTNAME .*\n.* db\.internal .* database /);
  assert.equal((JSON.parse((await tunnel('route', 'hostname', 'list', '--json')).stdout) as []).length, 1);
  assert.equal((await tunnel('route', 'hostname', 'delete', 'db.INTERNAL.')).code, 0);
  assert.equal(control.table.forName(undefined, 'db.internal'), undefined);

  const dns = await tunnel('route', 'dns', 'home', 'www.example.com');
  assert.equal(dns.stdout, `Added CNAME www.example.com which will route to this tunnel tunnelID=${id}\n`);
  assert.match(dns.stderr, /makes no DNS record/);
  const same = await tunnel('route', 'dns', 'home', 'www.example.com');
  assert.match(same.stdout, /^www\.example\.com is already configured to route to your tunnel/);
  const refused = await tunnel('route', 'dns', 'other', 'www.example.com');
  assert.deepEqual([refused.code, refused.stdout], [1, '']);
  assert.match(refused.stderr, /^Failed to add route: www\.example\.com already leads to tunnel/);
  assert.match(
    (await tunnel('route', 'dns', '-f', 'other', 'www.example.com')).stdout,
    /updated to route to your tunnel/,
  );
  assert.equal(control.table.forPublicHostname('www.example.com')?.tunnelId, other.id);
  assert.match((await tunnel('route', 'dns', 'show')).stdout, /www\.example\.com .* other /);
  assert.equal((await tunnel('route', 'dns', 'delete', 'WWW.example.com')).code, 0);
  assert.equal(control.table.forPublicHostname('www.example.com'), undefined);
});

test('what somebody wrote into a comment cannot drive the terminal', async (t) => {
  const { tunnel, control } = await createControlBench(t);
  const { id: tunnel_id } = await control.tunnels.create({ name: 'home' });
  await control.routes.ip.create({ network: '10.0.0.0/8', tunnel_id, comment: '\u001b[2J\nfake' });
  const { stdout } = await tunnel('route', 'ip', 'show');
  assert.ok(!stdout.includes('\u001b') && stdout.split('\n').length === 3, JSON.stringify(stdout));
});
