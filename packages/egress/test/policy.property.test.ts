// Properties of the whole: a second, simpler model of policies, and the promise that spelling never matters.
import assert from 'node:assert/strict';
import { BlockList, isIPv4 } from 'node:net';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  definePolicy,
  devPolicy,
  EgressError,
  parseDestination,
  type PolicyEntry,
  workerPolicy,
} from '../src/index.ts';
import { formsOf, type Ip, parseIp } from '../src/ip.ts';
import { type NamedSet, namedSets } from '../src/named-sets.table.ts';
import { namedAddresses } from '../src/ranges.ts';

const runs = { numRuns: 1000 };
const port = fc.integer({ min: 1, max: 65_535 });
const interesting = fc.constantFrom(
  '127.0.0.1',
  '0.0.0.0',
  '10.1.2.3',
  '169.254.169.254',
  '100.64.1.1',
  '104.16.0.1',
  '8.8.8.8',
  '224.0.0.1',
);
const ipv4 = fc.oneof(fc.ipV4(), interesting);
const address = fc.oneof(
  ipv4,
  fc.ipV6(),
  interesting.map((inner) => `64:ff9b::${inner}`),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { minLength: 7, maxLength: 7 }).map(to6to4),
);
const ip = (text: string): Ip => parseIp(text) ?? assert.fail(`${text} is no address`);
const canonical = (hostname: string): Ip => ip(parseDestination({ hostname, port: 1 }).host);

/** CIDRs around addresses of the same generator, so that they are hit. */
const cidr = fc.tuple(ipv4, fc.integer({ min: 0, max: 32 })).map(([text, bits]) => {
  const mask = bits === 0 ? 0 : (0xffff_ffff << (32 - bits)) >>> 0;
  const whole = text.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const network = (whole & mask) >>> 0;
  return `${[24, 16, 8, 0].map((shift) => (network >>> shift) & 255).join('.')}/${bits}`;
});
const setName = fc.constantFrom(...(Object.keys(namedSets) as NamedSet[]));
const ports = fc.oneof(
  fc.constant(undefined),
  fc.constantFrom<NonNullable<PolicyEntry['ports']>>(443, '400-500', [80, '8000-9000']),
);
const entry: fc.Arbitrary<PolicyEntry> = fc
  .record<{ action: string; to: string; ports?: PolicyEntry['ports'] | undefined }>({
    action: fc.constantFrom('allow', 'deny'),
    to: fc.oneof(cidr, setName),
    ports,
  })
  .map((fields) => {
    if (fields.ports === undefined) delete fields.ports;
    return fields as PolicyEntry;
  });

/** The model: Node's own BlockList for CIDRs, ports by enumeration, and the rules of README.md read literally. */
function model(entries: readonly PolicyEntry[], target: Ip, at: number): 'allow' | 'deny' {
  const verdicts = formsOf(target).map((form) => {
    const first = entries.find((each) => portsOf(each.ports).includes(at) && holds(each.to, form));
    return first?.action ?? 'deny';
  });
  return verdicts.includes('deny') ? 'deny' : 'allow';
}

function holds(to: string, form: Ip): boolean {
  if (!to.includes('/')) return namedAddresses(to as NamedSet)(form);
  if (!isIPv4(form.text)) return false;
  const [network = '', bits = ''] = to.split('/');
  const list = new BlockList();
  list.addSubnet(network, Number(bits), 'ipv4');
  return list.check(form.text, 'ipv4');
}

function portsOf(list: PolicyEntry['ports']): number[] {
  if (list === undefined) return [443, 450, 80, 8500, 5432];
  return [list].flat().flatMap((spec) => {
    const [from = 0, to = from] = String(spec).split('-').map(Number);
    return Array.from({ length: to - from + 1 }, (_, index) => from + index);
  });
}

test('a policy rules as the model does', () => {
  fc.assert(
    fc.property(
      fc.array(entry, { maxLength: 6 }),
      address,
      fc.constantFrom(443, 450, 80, 8500, 5432),
      (entries, text, at) => {
        const target = canonical(text);
        assert.equal(definePolicy(entries).judge(target, { port: at }).verdict, model(entries, target, at));
      },
    ),
    { numRuns: 3000 },
  );
});

test('every address is in exactly one set beside cloudflare', () => {
  const sets = (Object.keys(namedSets) as NamedSet[]).filter((name) => name !== 'cloudflare');
  fc.assert(
    fc.property(address, (text) => {
      const found = sets.filter((name) => namedAddresses(name)(canonical(text)));
      assert.equal(found.length, 1, `${text}: ${found.join(' ')}`);
    }),
    runs,
  );
});

test('every spelling of an address gets the ruling of its canonical form', () => {
  fc.assert(
    fc.property(ipv4, port, fc.nat(), (text, at, choice) => {
      const parts = text.split('.').map(Number);
      const whole = parts.reduce((sum, part) => sum * 256 + part, 0);
      const ways = [
        String(whole),
        `0x${whole.toString(16)}`,
        `0${whole.toString(8)}`,
        parts.map((part) => `0x${part.toString(16)}`).join('.'),
        parts.map((part) => `0${part.toString(8)}`).join('.'),
        `::ffff:${text}`,
        `[::FFFF:${text}]`,
        `${text}.`,
        text.replaceAll('.', '．'),
      ];
      const spelled = parseDestination({ hostname: ways[choice % ways.length] ?? text, port: at });
      assert.equal(spelled.host, text);
      for (const policy of [workerPolicy, devPolicy]) {
        assert.deepEqual(policy.judge(ip(spelled.host), { port: at }), policy.judge(ip(text), { port: at }));
      }
    }),
    runs,
  );
});

test('a wrapped address is never allowed where the address itself is not', () => {
  fc.assert(
    fc.property(ipv4, port, (text, at) => {
      const pair = text
        .split('.')
        .map((part) => Number(part).toString(16).padStart(2, '0'))
        .join('')
        .replace(/^(.{4})/, '$1:');
      for (const wrapped of [
        `64:ff9b::${text}`,
        `2002:${pair}::1`,
        `::${text}`,
        `::ffff:0:${text}`,
        `2a00::5efe:${text}`,
      ]) {
        for (const policy of [workerPolicy, devPolicy]) {
          const outer = policy.judge(canonical(wrapped), { port: at }).verdict;
          if (outer === 'allow') assert.equal(policy.judge(ip(text), { port: at }).verdict, 'allow', wrapped);
        }
      }
    }),
    runs,
  );
});

test('an allowed name without resolvesTo opens nothing that is not public or that is denied by address', () => {
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 4 }), address, port, (entries, text, at) => {
      const named = definePolicy([{ action: 'allow', to: 'a.com' }, ...entries]);
      const bare = definePolicy(entries);
      for (const form of formsOf(canonical(text))) {
        const alone = { ...form, carried: [] };
        const denied = entries.some(
          ({ action, to, ports: list }) =>
            action === 'deny' && to !== 'public' && !to.endsWith('/0') && list === undefined && holds(to, form),
        );
        if (namedAddresses('public')(form) && !denied) continue;
        const verdict = named.judge(alone, { name: 'a.com', port: at }).verdict;
        assert.equal(verdict, bare.judge(alone, { port: at }).verdict, form.text);
      }
    }),
    { numRuns: 3000 },
  );
});

test('parseDestination() is idempotent and throws nothing but EgressError', () => {
  const hostname = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom(...'0127.xaf:[]%-。１\u00AD') }),
    fc.domain(),
    fc.ipV6(),
    fc.webAuthority(),
    fc.anything() as fc.Arbitrary<string>,
  );
  fc.assert(
    fc.property(hostname, fc.oneof(port, fc.anything() as fc.Arbitrary<number>), (text, at) => {
      try {
        const first = parseDestination({ hostname: text, port: at });
        const second = parseDestination({ hostname: first.host, port: at });
        assert.deepEqual({ ...second, original: first.original }, first);
        assert.equal(first.kind === 'address', parseIp(first.host) !== undefined);
        assert.match(first.host, /^[a-z\d_.:-]+$/);
      } catch (error) {
        assert.ok(error instanceof EgressError && error.code === 'invalid_destination', String(error));
      }
    }),
    { numRuns: 5000 },
  );
});

test('definePolicy() takes or refuses any entry, and throws nothing but EgressError', () => {
  fc.assert(
    fc.property(fc.anything(), fc.string(), (value, to) => {
      for (const candidate of [
        value,
        { action: 'deny', to },
        { action: 'allow', to, ports: value },
        { action: 'allow', to: 'a.com', resolvesTo: value },
      ]) {
        try {
          definePolicy([candidate as PolicyEntry]);
        } catch (error) {
          assert.ok(error instanceof EgressError && error.code === 'invalid_policy', String(error));
        }
      }
    }),
    runs,
  );
});

function to6to4(groups: readonly number[]): string {
  return ['2002', ...groups.map((group) => group.toString(16))].join(':');
}
