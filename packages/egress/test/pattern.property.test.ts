// Patterns of which one decides: whatever their order, the most exact that matches is found, and no spelling of a
// destination changes which.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { compareExactness, EgressError, parsePattern, toCanonicalHost } from '../src/index.ts';

type Entry = { to: string; ports?: number | readonly number[] };

const label = fc.constantFrom('a', 'b', 'db', 'internal');
const name = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'));
const octet = fc.constantFrom(0, 1, 10, 127);
const address = fc.tuple(fc.constantFrom(1, 10, 127), octet, octet, octet).map((octets) => octets.join('.'));
const toNumber = (text: string): number => text.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
const cidr = fc.tuple(address, fc.integer({ min: 0, max: 32 })).map(([text, bits]) => {
  const size = 2 ** (32 - bits);
  const base = Math.floor(toNumber(text) / size) * size;
  return `${[24, 16, 8, 0].map((shift) => Math.floor(base / 2 ** shift) % 256).join('.')}/${bits}`;
});
const to = fc.oneof(
  name,
  name.map((text) => `*.${text}`),
  address,
  cidr,
  fc.constantFrom('*', 'loopback', 'private'),
);
const ports = fc.constantFrom<Entry['ports']>(undefined, undefined, 443, [443, 5432]);
const entry = fc.record({ to, ports }).map(({ to: what, ports: which }): Entry => {
  return which === undefined ? { to: what } : { to: what, ports: which };
});
const target = fc.record({ hostname: fc.oneof(name, address), port: fc.constantFrom(443, 5432, 80) });

/** The rule as docs/guide/tls.md has it, said another way: a score instead of a comparison. */
function scoreOf({ to: what, ports: which }: Entry, { hostname, port }: { hostname: string; port: number }): number {
  const listed = which === undefined ? [] : [which].flat();
  if (which !== undefined && !listed.includes(port)) return -1;
  const narrow = which === undefined ? 0 : 10 - listed.length;
  const isAddress = /^[\d.]+$/.test(hostname);
  const [base = '', bits] = what.split('/');
  if (what === '*') return narrow;
  if (what === 'loopback') return isAddress && hostname.startsWith('127.') ? 100 + narrow : -1;
  if (what === 'private') return isAddress && hostname.startsWith('10.') ? 100 + narrow : -1;
  if (bits !== undefined) {
    const size = 2 ** (32 - Number(bits));
    const inside = isAddress && Math.floor(toNumber(hostname) / size) === Math.floor(toNumber(base) / size);
    return inside ? 1_000 * (1 + Number(bits)) + narrow : -1;
  }
  if (what.startsWith('*.')) return hostname.endsWith(what.slice(1)) ? 100_000 * what.length + narrow : -1;
  return hostname === what ? 1e9 + narrow : -1;
}

function decide(entries: readonly Entry[], asked: { hostname: string; port: number }): Entry | undefined {
  const open = entries.map((each) => ({ each, pattern: parsePattern(each) }));
  open.sort((one, other) => compareExactness(one.pattern, other.pattern));
  return open.find(({ pattern }) => pattern.matches(asked))?.each;
}

test('the entry that decides is the most exact one that matches, in whatever order they stand', () => {
  const entries = fc.array(entry, { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(entries, target, fc.infiniteStream(fc.nat()), (given, asked, random) => {
      const scores = given.map((each) => scoreOf(each, asked));
      const best = Math.max(...scores);
      const found = decide(given, asked);
      assert.equal(found === undefined ? -1 : scoreOf(found, asked), best);
      const shuffled = given
        .map((each) => ({ each, at: random.next().value }))
        .sort((one, other) => one.at - other.at)
        .map(({ each }) => each);
      const again = decide(shuffled, asked);
      assert.equal(again === undefined ? -1 : scoreOf(again, asked), best);
    }),
    { numRuns: 600 },
  );
});

test('no spelling of a destination changes which entry decides', () => {
  const spellings = fc.constantFrom(
    (text: string) => text.toUpperCase(),
    (text: string) => `${text}.`,
    (text: string) => text.replaceAll(/[a-z]/g, (letter) => String.fromCodePoint(letter.codePointAt(0)! + 0xfee0)),
    (text: string) => (/^[\d.]+$/.test(text) ? String(toNumber(text)) : text),
    (text: string) => (/^[\d.]+$/.test(text) ? `[::ffff:${text}]` : text),
  );
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 6 }), target, spellings, (entries, { hostname, port }, respell) => {
      const other = respell(hostname);
      assert.ok(!('problem' in toCanonicalHost(other)), other);
      assert.equal(decide(entries, { hostname: other, port }), decide(entries, { hostname, port }));
    }),
    { numRuns: 300 },
  );
});

test('what is no destination matches nothing but "*", and never throws', () => {
  const patterns = ['*.internal', '10.0.0.0/8', 'private', '127.0.0.1'].map((each) => parsePattern({ to: each }));
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.constantFrom('a%2einternal', 'x@db.internal', 'a\u0000.internal')), (text) => {
      for (const pattern of patterns) {
        const matches = pattern.matches({ hostname: text, port: 1 });
        if ('problem' in toCanonicalHost(text)) assert.equal(matches, false);
      }
    }),
  );
});

test('whatever is written as a pattern, it is one or is refused with its problem', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), to), fc.anything(), (what, which) => {
      try {
        assert.equal(typeof parsePattern({ to: what, ports: which as never }).text, 'string');
      } catch (error) {
        assert.ok(error instanceof EgressError && error.code === 'invalid_policy', String(error));
      }
    }),
  );
  assert.throws(() => parsePattern({ to: 'routed' }), /known only once a name is resolved/);
  assert.throws(() => parsePattern({ to: '10.0.0.1/8' }), /write 10\.0\.0\.0\/8/);
});
