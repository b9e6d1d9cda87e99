// The route table against a model that looks at every route: whatever is added, moved and deleted, both say the same.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { createBench } from '../support/bench.ts';

interface Route {
  pattern: string;
  tunnel: number;
}

const octet = fc.constantFrom(0, 1, 10, 128, 255);
const v4 = fc.tuple(octet, octet, octet, octet).map((parts) => parts.join('.'));
const group = fc.constantFrom('0', '1', 'fd00', '8000', 'ffff');
const v6 = fc.array(group, { minLength: 8, maxLength: 8 }).map((groups) => groups.join(':'));
const cidr = fc.oneof(
  fc.tuple(v4, fc.constantFrom(0, 1, 8, 9, 15, 16, 24, 31, 32)).map(([ip, length]) => `${ip}/${length}`),
  fc.tuple(v6, fc.constantFrom(0, 1, 16, 48, 64, 127, 128)).map(([ip, length]) => `${ip}/${length}`),
);
const label = fc.constantFrom('a', 'b', 'c');
const name = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'));
const pattern = fc.tuple(fc.boolean(), name).map(([below, text]) => (below ? `*.${text}` : text));
const tunnel = fc.integer({ min: 0, max: 2 });
const edits = <Text>(text: fc.Arbitrary<Text>): fc.Arbitrary<{ pattern: Text; tunnel: number }[]> =>
  fc.array(fc.record({ pattern: text, tunnel }), { maxLength: 12 });

/** What `10.1.2.3/8` is about, by another library's reading. */
function networkOf(text: string): string {
  const family = text.includes(':') ? ipaddr.IPv6 : ipaddr.IPv4;
  const length = text.split('/')[1];
  const base = family.networkAddressFromCIDR(text);
  return `${base instanceof ipaddr.IPv6 ? base.toRFC5952String() : base.toString()}/${length}`;
}

function longestPrefix(routes: readonly Route[], ip: string): Route | undefined {
  // An IPv4-mapped address is its IPv4 address.
  const address = ipaddr.process(ip);
  const covering = routes.filter((route) => {
    const [base, length] = ipaddr.parseCIDR(route.pattern);
    return base.kind() === address.kind() && (address as ipaddr.IPv4).match(base as ipaddr.IPv4, length);
  });
  return covering.sort((one, other) => Number(other.pattern.split('/')[1]) - Number(one.pattern.split('/')[1]))[0];
}

function mostSpecific(routes: readonly Route[], host: string): Route | undefined {
  const exact = routes.find((route) => route.pattern === host);
  const below = routes.filter((route) => route.pattern.startsWith('*.') && host.endsWith(route.pattern.slice(1)));
  return exact ?? below.sort((one, other) => other.pattern.length - one.pattern.length)[0];
}

test('the table finds what a search through all routes finds', { timeout: 240_000 }, async (t) => {
  const { control } = await createBench(t);
  const { routes, table, tunnels, networks } = control;
  const { defaultId } = networks;
  const ids: string[] = [];
  for (const each of ['x', 'y', 'z']) ids.push((await tunnels.create({ name: each })).id);

  await fc.assert(
    fc.asyncProperty(
      edits(cidr),
      edits(pattern),
      fc.array(fc.oneof(v4, v6), { minLength: 3, maxLength: 10 }),
      fc.array(name, { minLength: 3, maxLength: 10 }),
      async (cidrs, patterns, addresses, hosts) => {
        await routes.deleteAll({ networkId: defaultId });
        const byNetwork = new Map<string, Route>();
        for (const { pattern: written, tunnel: index } of cidrs) {
          const network = networkOf(written);
          const known = routes.ip.list().find((route) => route.network === network);
          // A second route for a network takes the first one away, so that deletion is exercised too.
          if (known !== undefined) await routes.ip.delete(known.id);
          if (known !== undefined) byNetwork.delete(network);
          else {
            await routes.ip.create({ network: written, tunnel_id: ids[index]! });
            byNetwork.set(network, { pattern: network, tunnel: index });
          }
        }
        const byPattern = new Map<string, Route>();
        for (const { pattern: hostname, tunnel: index } of patterns) {
          const known = routes.hostnames.list().find((route) => route.hostname === hostname);
          if (known !== undefined) await routes.hostnames.update(known.id, { tunnel_id: ids[index]! });
          else await routes.hostnames.create({ hostname, tunnel_id: ids[index]! });
          byPattern.set(hostname, { pattern: hostname, tunnel: index });
        }
        for (const ip of addresses) {
          const route = longestPrefix([...byNetwork.values()], ip);
          const expected = route && { tunnelId: ids[route.tunnel], match: route.pattern };
          assert.deepEqual(table.forAddress(undefined, ip), expected, ip);
        }
        for (const host of hosts) {
          const route = mostSpecific([...byPattern.values()], host);
          const expected = route && { tunnelId: ids[route.tunnel], match: route.pattern };
          assert.deepEqual(table.forName(defaultId, host), expected, host);
        }
        const all = ids.flatMap((id) => table.announced(id).cidrs);
        assert.deepEqual(all.sort(), [...byNetwork.keys()].sort());
      },
    ),
    { numRuns: 60 },
  );
});
