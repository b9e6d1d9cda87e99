// The keys cloudflared does not have, and those of its keys that are accepted and not used.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeValidation, parseTunnelConfig } from '../../src/index.ts';

const parse = (privateNetwork: unknown) =>
  parseTunnelConfig(JSON.stringify({ ingress: [{ service: 'hello_world' }], 'private-network': privateNetwork }), {
    file: 'config.yml',
  });

test('entries are a CIDR, an address or a name, with or without ports', () => {
  const allow = [
    '10.0.0.0/8',
    '10.0.0.7:5432',
    '[fd00::/8]:443,8000-8999',
    'fd00::1',
    'db.internal:5432',
    '*.internal',
  ];
  const { config } = parse({ allow, deny: ['private'], resolver: '10.0.0.2:53' });
  const resolvesTo = ['private', 'cgnat', 'public'];
  assert.deepEqual(config?.privateNetwork, {
    allow: [
      { action: 'allow', to: '10.0.0.0/8' },
      { action: 'allow', to: '10.0.0.7', ports: ['5432'] },
      { action: 'allow', to: 'fd00::/8', ports: ['443', '8000-8999'] },
      { action: 'allow', to: 'fd00::1' },
      { action: 'allow', to: 'db.internal', ports: ['5432'], resolvesTo },
      { action: 'allow', to: '*.internal', resolvesTo },
    ],
    deny: [{ action: 'deny', to: 'private' }],
    resolver: ['10.0.0.2:53'],
  });
  assert.equal('private-network' in (config?.settings ?? {}), false);
});

const rule = (service: string, originRequest: object): object => ({ service, originRequest, hostname: 'a.b' });

test('without the key there is no list and no resolver; an empty list is a list', () => {
  assert.deepEqual(parse(undefined).config?.privateNetwork, { allow: undefined, deny: [], resolver: [] });
  assert.deepEqual(parse({ allow: [] }).config?.privateNetwork.allow, []);
  assert.deepEqual(parse({ allow: null }).config?.privateNetwork.allow, []);
});

test('what is malformed is told with its place', () => {
  for (const entry of [
    '10.0.0.0/33',
    '10.0.0.7:0',
    '10.0.0.7:70000',
    'a b',
    '',
    'http://a',
    '10.0.0.1/8/8',
    '[::1',
    'a:1:2',
  ]) {
    for (const key of ['allow', 'deny']) {
      const { config, diagnostics } = parse({ [key]: [entry] });
      assert.equal(config, undefined, entry);
      assert.equal(diagnostics[0]?.code, 'bad_private_network', entry);
      assert.ok(diagnostics[0].message.includes(`private-network.${key}`));
      assert.match(diagnostics[0].remedy, /10\.0\.0\.0\/8/);
    }
  }
  for (const resolver of ['dns.internal', '10.0.0.2:0', '10.0.0.2:x', ['10.0.0.2', '']]) {
    assert.equal(parse({ resolver }).diagnostics[0]?.code, 'bad_private_network', JSON.stringify(resolver));
  }
  for (const resolver of ['10.0.0.2', 'fd00::2', '[fd00::2]:53', ['10.0.0.2:53', '10.0.0.3']]) {
    assert.ok(parse({ resolver }).config, JSON.stringify(resolver));
  }
  assert.equal(parse({ alow: [] }).diagnostics[0]?.code, 'bad_private_network');
  assert.equal(parse({ allow: '10.0.0.0/8' }).diagnostics[0]?.code, 'wrong_type');
});

test('options that are accepted and not used are said to be', () => {
  const parsed = parseTunnelConfig(
    JSON.stringify({
      originRequest: { noHappyEyeballs: true },
      ingress: [
        rule('https://a', { http2Origin: true, proxyType: 'socks' }),
        rule('https://b', { access: { required: true, teamName: 't' } }),
        rule('bastion', {}),
        rule('socks-proxy', {}),
        rule('ftp://10.0.0.1', {}),
        { service: 'http_status:404' },
      ],
    }),
    { file: 'config.yml' },
  );
  assert.ok(parsed.config);
  const messages = parsed.diagnostics.map(({ code, message }) => `${code}: ${message}`);
  for (const name of [
    'noHappyEyeballs',
    'http2Origin',
    'proxyType',
    'access.required',
    'bastion',
    'socks-proxy',
    'ftp://10.0.0.1',
  ]) {
    assert.ok(
      messages.some((message) => message.startsWith('unused_option') && message.includes(name)),
      name,
    );
  }
  const { exitCode, output } = describeValidation(parsed, { file: 'config.yml' });
  assert.equal(exitCode, 0);
  assert.match(output.join('\n'), /^Warning: accepted, but not as in cloudflared:\n {2}line \d+: noHappyEyeballs/m);
  assert.doesNotMatch(output.join('\n'), /unused keys/);
});
