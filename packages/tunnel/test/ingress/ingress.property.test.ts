// Properties: no text makes the parser throw, and matching equals a second, naive model.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { matchIngress, parseTunnelConfig } from '../../src/index.ts';

const check = (text: string): void => {
  const { config, diagnostics } = parseTunnelConfig(text, { file: 'config.yml' });
  const failed = diagnostics.some(({ severity }) => severity === 'error');
  assert.equal(config === undefined, failed);
};

test('any text gives a configuration or an error, never a throw', () => {
  const words = ['ingress:', '\n', '  ', '- ', 'service: ', 'hostname: ', '*', '&a ', '*a', '<<: ', '{', '[', ']', '}'];
  const more = [
    'originRequest:',
    'path: ',
    'http://a',
    'unix:',
    ': ',
    '"',
    "'",
    '|',
    '? ',
    '!!',
    '#',
    '~',
    '\t',
    '0x1',
  ];
  const pieces = fc.array(fc.oneof(fc.constantFrom(...words, ...more), fc.string({ unit: 'binary', maxLength: 4 })));
  fc.assert(fc.property(fc.string({ unit: 'binary' }), check), { numRuns: 500 });
  fc.assert(
    fc.property(
      pieces.map((parts) => parts.join('')),
      check,
    ),
    { numRuns: 3000 },
  );
  fc.assert(fc.property(fc.json(), check), { numRuns: 500 });
});

test('any values in the right places give a configuration or an error, never a throw', () => {
  const value = fc.oneof(
    fc.string(),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.array(fc.string()),
    fc.double(),
  );
  const rule = fc.record(
    { hostname: value, path: value, service: value, originRequest: fc.dictionary(fc.string(), value) },
    { requiredKeys: [] },
  );
  const entry = fc.oneof(value, fc.ipV4(), fc.ipV6(), fc.domain(), fc.stringMatching(/^[[\]:*./\d\w,-]{0,12}$/));
  const lists = { allow: fc.array(entry), deny: fc.array(entry), resolver: fc.oneof(entry, fc.array(entry)) };
  const network = fc.oneof(value, fc.record(lists, { requiredKeys: [] }));
  const file = fc.record({
    tunnel: value,
    ingress: fc.oneof(value, fc.array(rule)),
    originRequest: value,
    'private-network': network,
  });
  fc.assert(
    fc.property(
      file.map((content) => JSON.stringify(content)),
      check,
    ),
    { numRuns: 2000 },
  );
});

test('deep nesting, long texts and aliases of aliases end with an error in time', () => {
  check('['.repeat(100_000));
  check('a: '.repeat(100_000));
  check(' '.repeat(2_000_000));
  const rules = Array.from({ length: 2000 }, () => '  - {service: "http://a", originRequest: {access: {audTag: *t}}}');
  check(`x: &t [${'a,'.repeat(2000)}]\ningress:\n${rules.join('\n')}\n`);
  check('a: &a\n  <<: *a\ningress: &b [*b]\n');
});

const label = fc.constantFrom('a', 'b', 'xa', 'example', 'A');
const name = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'));
const pattern = fc.oneof(
  name,
  name.map((text) => `*.${text}`),
  fc.constantFrom('*', ''),
);
const prefix = fc.constantFrom('', '/a', '/b', 'a$', '^/a/b');
const rules = fc.array(fc.record({ hostname: pattern, path: prefix }), { maxLength: 6 });

/** Labels instead of strings; JavaScript's own regular expressions, which agree with RE2 on these. */
function model(list: { hostname: string; path: string }[], host: string, path: string): number {
  const found = list.findIndex((rule) => {
    const spellings = [rule.hostname, rule.hostname.toLowerCase()].map((text) => text.split('.'));
    const labels = host.split('.');
    const fits = spellings.some((wanted) => {
      if (wanted[0] !== '*') return wanted.join('.') === host;
      const rest = wanted.slice(1);
      return labels.length > rest.length && rest.join('.') === labels.slice(labels.length - rest.length).join('.');
    });
    return (rule.hostname === '' || fits) && (rule.path === '' || new RegExp(rule.path).test(path));
  });
  return found === -1 ? list.length : found;
}

test('matching equals the naive model', () => {
  const paths = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 3 }).map((parts) => `/${parts.join('/')}`);
  fc.assert(
    fc.property(rules, name, paths, fc.constantFrom('', ':80'), (list, host, path, port) => {
      const useful = list.filter((rule) => rule.path !== '' || (rule.hostname !== '' && rule.hostname !== '*'));
      const ingress = [...useful.map((rule) => ({ ...rule, service: 'http://a' })), { service: 'http_status:404' }];
      const { config } = parseTunnelConfig(JSON.stringify({ ingress }), { file: 'config.yml' });
      assert.ok(config);
      assert.equal(matchIngress(config.ingress, { host: host + port, path }), model(useful, host, path));
    }),
    { numRuns: 2000 },
  );
});

test('unicode and punycode meet, case counts, a trailing dot does not match, escapes are decoded', () => {
  const ingress = [
    { hostname: 'môô.example.com', service: 'http://a' },
    { hostname: '*.example.com', path: '^/a b$', service: 'http://b' },
    { hostname: 'exact.example.com', service: 'http://c' },
    { service: 'http_status:404' },
  ];
  const { config } = parseTunnelConfig(JSON.stringify({ ingress }), { file: 'config.yml' });
  const match = (url: string): number => matchIngress(config!.ingress, url);
  assert.equal(match('http://xn--m-xgaa.example.com/'), 0);
  assert.equal(match('http://môô.example.com/'), 0);
  assert.equal(match('http://x.y.example.com/a%20b?c'), 1);
  assert.equal(match('http://exact.example.com:8080/'), 2);
  assert.equal(match('http://EXACT.example.com/'), 3);
  assert.equal(match('http://exact.example.com./'), 3);
});
