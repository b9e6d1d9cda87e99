// Tunnel routes: which way a destination goes, who resolves its name, and what a route does not open.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  createEgress,
  definePolicy,
  devPolicy,
  EgressError,
  type EgressOptions,
  type Routes,
  toFailure,
  type TunnelRoute,
  workerPolicy,
} from '../src/index.ts';
import { parseIp } from '../src/ip.ts';
import { parseRange } from '../src/ranges.ts';
import { connection, fakeDial, fakeResolve } from './support/fakes.ts';

const toRoute = (match: string): TunnelRoute => ({
  kind: 'tunnel',
  tunnelId: 'id',
  tunnelName: 'office',
  network: 'default',
  match,
});

/** Routes for exact names and for CIDRs, the first that holds the address. */
function routesOf(names: string[], cidrs: string[] = []): Routes {
  return {
    forName: (name) => (names.includes(name) ? toRoute(name) : undefined),
    forAddress(address) {
      const found = cidrs.find((cidr) => {
        const range = parseRange(cidr);
        return 'set' in range && range.set(parseIp(address)!);
      });
      return found === undefined ? undefined : toRoute(found);
    },
  };
}

function build(routes: Routes, rest: Partial<EgressOptions> = {}) {
  const { resolve, asked } = fakeResolve({
    'public.com': ['8.8.8.8'],
    'both.com': ['10.0.0.1', '8.8.8.8', '10.0.0.2'],
  });
  const fake = fakeDial({ settle: (attempt) => attempt.succeed() });
  const tunnelled: string[] = [];
  const egress = createEgress({
    policy: workerPolicy,
    resolve,
    dial: fake.dial,
    routes,
    dialTunnel: (route, { host, port }) => {
      tunnelled.push(`${route.match} ${host} ${port}`);
      return Promise.resolve(connection(host, port));
    },
    ...rest,
  });
  return { egress, asked, fake, tunnelled };
}

test('a name that a route covers is never resolved here, and goes to the connector as it is', async () => {
  const { egress, asked, fake, tunnelled } = build(routesOf(['db.internal']));
  const { decision } = await egress.open({ hostname: 'DB.internal.', port: 5432 });
  assert.deepEqual([asked, fake.dialled, tunnelled], [[], [], ['db.internal db.internal 5432']]);
  const { rule, resolver, route, addresses, verdict } = decision;
  assert.deepEqual([verdict, rule, resolver, addresses], ['allow', 'allow routed', 'connector', []]);
  assert.deepEqual(route, toRoute('db.internal'));
});

test('an address that a route covers goes through the tunnel, any other directly', async () => {
  const { egress, fake, tunnelled } = build(routesOf([], ['10.0.0.0/8']));
  await egress.open({ hostname: '10.1', port: 5432 });
  await egress.open({ hostname: 'public.com', port: 443 });
  assert.deepEqual([tunnelled, fake.dialled], [['10.0.0.0/8 10.0.0.1 5432'], ['8.8.8.8:443']]);
  assert.equal((await egress.decide({ hostname: '192.168.0.1', port: 80 })).rule, 'deny private');
});

test('a name that resolves here into a route goes through the tunnel to the address that was judged', async () => {
  const { egress, fake, tunnelled } = build(routesOf([], ['10.0.0.0/8']));
  const { decision } = await egress.open({ hostname: 'both.com', port: 5432 });
  assert.deepEqual([tunnelled, fake.dialled], [['10.0.0.0/8 10.0.0.1 5432'], []]);
  assert.deepEqual([decision.resolver, decision.addresses], ['edge', ['10.0.0.1', '10.0.0.2']]);
});

test('no wide route opens loopback, link-local, metadata or multicast addresses', async () => {
  const wide = routesOf([], ['0.0.0.0/0', '::/0']);
  for (const policy of [workerPolicy, devPolicy]) {
    const { egress } = build(wide, { policy });
    for (const hostname of ['127.0.0.1', '0.0.0.0', '::1', '169.254.169.254', '169.254.1.1', '224.0.0.1', 'fe80::1']) {
      const { route, verdict } = await egress.decide({ hostname, port: 80 });
      assert.equal(route.kind, 'direct', hostname);
      if (policy === workerPolicy) assert.equal(verdict, 'deny', hostname);
    }
    const carried = await egress.decide({ hostname: '64:ff9b::169.254.169.254', port: 80 });
    assert.equal(carried.verdict, 'deny');
  }
});

test('a route inside such a set was meant, but takes an entry of the policy too', async () => {
  const narrow = routesOf([], ['127.0.0.53/32', '127.0.0.0/8']);
  const denied = await build(narrow).egress.decide({ hostname: '127.0.0.53', port: 80 });
  assert.deepEqual([denied.verdict, denied.rule], ['deny', 'deny loopback']);
  const policy = definePolicy([{ action: 'allow', to: '127.0.0.53' }, ...workerPolicy.entries]);
  const allowed = await build(narrow, { policy }).egress.decide({ hostname: '127.0.0.53', port: 80 });
  assert.deepEqual([allowed.verdict, allowed.route.kind], ['allow', 'tunnel']);
});

test('a denied name stays denied behind a tunnel; entries for addresses say nothing about it', async () => {
  const routes = routesOf(['db.internal', 'metadata.google.internal', 'localhost']);
  const policy = definePolicy([
    { action: 'deny', to: 'db.internal', ports: 22 },
    { action: 'deny', to: 'private' },
    ...workerPolicy.entries,
  ]);
  const { egress } = build(routes, { policy });
  const verdicts: unknown[] = [];
  for (const [hostname, port] of [
    ['db.internal', 22],
    ['db.internal', 25],
    ['db.internal', 5432],
    ['metadata.google.internal', 80],
    ['localhost', 80],
  ] as const) {
    verdicts.push((await egress.decide({ hostname, port })).rule);
  }
  assert.deepEqual(verdicts, [
    'deny db.internal ports 22',
    'port 25 is never allowed',
    'allow routed',
    'deny metadata',
    'deny loopback',
  ]);
});

const ownListeners = () => [{ address: '10.0.0.1', port: 80 }];

test('an address behind a tunnel is no loop, even if this machine has the same one', async () => {
  const policy = definePolicy([{ action: 'allow', to: 'private' }, ...workerPolicy.entries]);
  const routed = build(routesOf([], ['10.0.0.0/8']), { ownListeners, policy });
  assert.equal((await routed.egress.decide({ hostname: '10.0.0.1', port: 80 })).verdict, 'allow');
  const direct = build(routesOf([]), { ownListeners, policy });
  assert.equal((await direct.egress.decide({ hostname: '10.0.0.1', port: 80 })).code, 'tcp_loop');
});

test('what the far end of the tunnel says arrives as it is, with the decision', async () => {
  const failure = { ...toFailure('dns_error', { detail: 'no such name there' }), remedy: 'look there' };
  const dialTunnel = () => Promise.reject(new EgressError(failure));
  const { egress } = build(routesOf(['db.internal']), { dialTunnel });
  await assert.rejects(egress.open({ hostname: 'db.internal', port: 5432 }), (error: EgressError) => {
    assert.deepEqual([error.code, error.remedy, error.detail], ['dns_error', 'look there', 'no such name there']);
    assert.equal(error.decision?.route.kind, 'tunnel');
    return true;
  });
});

test('an egress without tunnels says so, and a tunnel that never answers times out', async () => {
  const without = build(routesOf(['db.internal']), { dialTunnel: undefined });
  await assert.rejects(without.egress.open({ hostname: 'db.internal', port: 1 }), { code: 'tunnel_unavailable' });
  const silent = build(routesOf(['db.internal']), { dialTunnel: () => new Promise(() => {}), connectTimeout: 5 });
  await assert.rejects(silent.egress.open({ hostname: 'db.internal', port: 1 }), { code: 'connection_timeout' });
});
