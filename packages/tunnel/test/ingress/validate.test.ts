// cloudflared's verdicts and words, measured on the real program, and the places we add to them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeMatch, describeValidation, parseTunnelConfig } from '../../src/index.ts';

const file = 'config.yml';
const parse = (text: string) => parseTunnelConfig(text, { file });
const firstError = (text: string): string | undefined =>
  parse(text).diagnostics.find(({ severity }) => severity === 'error')?.message;
const service = (value: string): string => `ingress:\n  - service: ${JSON.stringify(value)}\n`;
const host = (value: string): string =>
  `ingress:\n  - hostname: ${JSON.stringify(value)}\n    service: https://a\n  - service: http_status:404\n`;
const path = (value: string): string =>
  `ingress:\n  - path: ${JSON.stringify(value)}\n    service: https://a\n  - service: http_status:404\n`;

const noScheme = (value: string): string =>
  `${value} is an invalid address, please make sure it has a scheme and a hostname`;
const withPath = (value: string): string =>
  `${value} is an invalid address, ingress rules don't support proxying to a different path on the origin service. ` +
  "The path will be the same as the eyeball request's path";
const wildcard =
  'Hostname patterns can have at most one wildcard character ("*") and it can only be used for subdomains, e.g. "*.example.com"';

test("invalid configurations are refused in cloudflared's words", () => {
  const cases: [string, string][] = [
    ['tunnel: x\n', "The config file doesn't contain any ingress rules"],
    ['ingress: []\n', "The config file doesn't contain any ingress rules"],
    [
      'ingress:\n  - hostname: a.b\n    service: http://a\n',
      'The last ingress rule must match all URLs (i.e. it should not have a hostname or path filter)',
    ],
    [
      'ingress:\n  - service: http://a\n  - service: http://b\n',
      "Rule #1 is matching the hostname '', but this will match every hostname, meaning the rules which follow it will never be triggered.",
    ],
    ...['localhost:8000', 'http://', ''].map((value): [string, string] => [service(value), noScheme(value)]),
    [service('127.0.0.1:8000'), 'parse "127.0.0.1:8000": first path segment in URL cannot contain colon'],
    ...['http://a/', 'tcp://a:1/b'].map((value): [string, string] => [service(value), withPath(value)]),
    [service('http://a b'), 'parse "http://a b": invalid character " " in host name'],
    [service('http://a:abc'), 'parse "http://a:abc": invalid port ":abc" after host'],
    [service('http_status:99'), 'invalid HTTP status code: 99'],
    [service('http_status:1000'), 'invalid HTTP status code: 1000'],
    [service('http_status:abc'), 'invalid HTTP status code: strconv.Atoi: parsing "abc": invalid syntax'],
    [host('a.com:80'), 'Hostname cannot contain a port'],
    [host('https://a.com'), 'Hostname cannot contain a port'],
    ...['a.*.b', '*.*.b', 'a.*'].map((value): [string, string] => [host(value), wildcard]),
    [path('*'), 'Rule #1 has an invalid regex: error parsing regexp: missing argument to repetition operator: `*`'],
    [path('(?!a)'), 'Rule #1 has an invalid regex: error parsing regexp: invalid or unsupported Perl syntax: `(?!`'],
    [
      'originRequest:\n  access:\n    audTag: [a]\ningress:\n  - service: http://a\n',
      'access.TeamName cannot be blank when access.audTags are present',
    ],
    [
      'ingress:\n  - service: socks-proxy\n    originRequest:\n      ipRules: [{prefix: nope}]\n',
      'unable to create ip rule for socks-proxy: unable to parse cidr: nope',
    ],
    [
      'ingress:\n  - service: socks-proxy\n    originRequest:\n      ipRules: [{ports: [1]}]\n',
      'unable to create ip rule for socks-proxy: no prefix provided',
    ],
    [
      'ingress:\n  - service: socks-proxy\n    originRequest:\n      ipRules: [{prefix: 10.0.0.0/8, ports: [70000]}]\n',
      'unable to create ip rule for socks-proxy: invalid port 70000, needs to be between 1 and 65535',
    ],
  ];
  for (const [text, message] of cases) assert.equal(firstError(text), message, text);
  assert.match(firstError('') ?? '', /^No configuration file was found\. Please create one, /);
  assert.match(firstError('ingress: [') ?? '', /^error parsing YAML in config file at config\.yml: /);
});

test('what cloudflared accepts is accepted', () => {
  const services = [
    'http://u:p@a?q',
    'http://a:99999',
    'HTTP://a',
    'ftp://1.2.3.4',
    'unix:',
    'unix+tls:/run/a',
    'wss://a',
  ];
  for (const value of [...services, 'hello_world', 'hello-world', 'bastion', 'socks-proxy', 'http_status:999']) {
    assert.equal(firstError(service(value)), undefined, value);
  }
  for (const value of ['*b.c', 'a b', 'môô.example.com']) assert.equal(firstError(host(value)), undefined, value);
  assert.equal(
    firstError('ingress:\n  - hostname: "*"\n    path: /a\n    service: http://a\n  - service: http://b\n'),
    undefined,
  );
});

test('schemes without a port get theirs', () => {
  const ports = { ssh: 22, rdp: 3389, smb: 445, tcp: 7864, ftp: undefined };
  for (const [scheme, port] of Object.entries(ports)) {
    const rule = parse(service(`${scheme}://10.0.0.1`)).config?.ingress[0];
    assert.ok(rule?.service.kind === 'tcp');
    assert.equal(rule.service.port, port);
  }
});

test('a rule inherits originRequest from the file, and the file from the defaults', () => {
  const { config } = parse(
    'originRequest: &all\n  connectTimeout: 5s\n  noTLSVerify: yes\ningress:\n' +
      '  - hostname: a.b\n    service: https://a\n    originRequest:\n      connectTimeout: 1m30s\n  - service: http://b\n',
  );
  const [first, last] = config?.ingress ?? [];
  assert.equal(first?.originRequest.connectTimeout, 90_000);
  assert.equal(last?.originRequest.connectTimeout, 5000);
  assert.equal(first?.originRequest.noTLSVerify, true);
  assert.equal(first?.originRequest.tlsTimeout, 10_000);
  assert.equal(config?.warpRouting.tcpKeepAlive, 30_000);
});

test('a diagnostic says file, line and column, and how to correct it', () => {
  const { config, diagnostics } = parse('ingress:\n  - hostname: a.b\n    service: nope\n  - service: http://b\n');
  assert.equal(config, undefined);
  const [problem] = diagnostics;
  assert.deepEqual([problem?.file, problem?.line, problem?.column, problem?.code], [file, 3, 14, 'bad_service']);
  assert.match(problem?.remedy ?? '', /scheme and host/);
});

test('durations need a unit, and a wrong type is told with its line', () => {
  const message = firstError('originRequest:\n  connectTimeout: 30\ningress:\n  - service: http://a\n');
  assert.match(message ?? '', /line 2: cannot unmarshal !!int `30` into time\.Duration/);
});

test('unknown keys in rules only warn; unknown top-level keys are flags', () => {
  const parsed = parse('metrics: 127.0.0.1:1\nedge: [a, b]\ningress:\n  - service: http://a\n    nope: 1\n');
  assert.deepEqual(parsed.config?.settings, { metrics: '127.0.0.1:1', edge: ['a', 'b'] });
  const { exitCode, output } = describeValidation(parsed, { file });
  assert.equal(exitCode, 0);
  assert.match(output.join('\n'), /Warning: unused keys detected in your config file\.[^]*line 5: field nope/);
});

test('ingress validate and ingress rule print what people know', () => {
  const parsed = parse(`${host('*.a.com')}`);
  assert.deepEqual(describeValidation(parsed, { file }), {
    exitCode: 0,
    output: ['Validating rules from config.yml', 'OK'],
    errors: [],
  });
  assert.deepEqual(describeMatch('https://x.a.com/b', { parsed, file }).output.slice(1), [
    'Matched rule #0',
    '\thostname: *.a.com',
    '\tservice: https://a',
  ]);
  assert.deepEqual(describeMatch('x.a.com', { parsed, file }).errors, [
    "x.a.com doesn't have a hostname, consider adding a scheme",
  ]);
  const failed = describeValidation(parse('ingress: []'), { file });
  assert.equal(failed.exitCode, 1);
  assert.equal(failed.errors[0], "Validation failed: The config file doesn't contain any ingress rules");
});

const remedyOf = (text: string): string => parse(text).diagnostics.find(({ severity }) => severity === 'error')!.remedy;

test('a key that is nearly right is named behind what it leads to', () => {
  assert.match(
    remedyOf('ingres:\n  - service: http://a\n'),
    /^ingres is no key of this file: is it meant to be ingress/,
  );
  assert.match(remedyOf('edge: [a:1]\n'), /^Add "ingress:"/);
  assert.match(remedyOf('ingress:\n  - servic: http://a\n'), /servic is no key of a rule: is it meant to be service/);
  assert.match(remedyOf('ingress:\n  - service: a\n'), /^Write scheme and host/);
  const rules = 'ingress:\n  - service: http://a\nprivate-network:\n';
  assert.equal(remedyOf(`${rules}  alow: [10.0.0.0/8]\n`), 'Correct or remove the key.');
  assert.match(remedyOf(`${rules}  allow: [10.0.0.0/99]\n`), /^Write 10\.0\.0\.0\/8/);
});

test('a rule that is never reached is warned of; one for bytes behind one for HTTP is reached', () => {
  const unreached = (...rules: [name: string, origin: string, only?: string][]): string[] => {
    const written = rules.map(
      ([name, origin, only]) =>
        `  - hostname: ${name}\n    service: ${origin}\n${only === undefined ? '' : `    path: ${only}\n`}`,
    );
    const { diagnostics } = parse(`ingress:\n${written.join('')}  - service: http_status:404\n`);
    return diagnostics.map(({ code, severity, message }) => `${code} ${severity} ${message.split(' is ', 1)[0]}`);
  };
  const second = ['unreachable_rule warning Rule #2'];
  assert.deepEqual(unreached(['a.b', 'tcp://c:80'], ['a.b', 'tcp://c:443']), second);
  assert.deepEqual(unreached(['a.b', 'tcp://c:80'], ['a.b', 'http://c']), second);
  assert.deepEqual(unreached(['a.b', 'http://c'], ['a.b', 'http://d', '/x']), second);
  assert.deepEqual(unreached(['a.b', 'http://c'], ['a.b', 'tcp://c:443']), []);
  assert.deepEqual(unreached(['a.b', 'http://c', '/x'], ['a.b', 'http://d']), []);
  assert.deepEqual(unreached(['a.b', 'tcp://c:80'], ['b.b', 'tcp://c:80']), []);
  const parsed = parse(
    'ingress:\n' + '  - {hostname: a.b, service: "tcp://c:80"}\n'.repeat(2) + '  - service: http_status:404\n',
  );
  assert.match(
    describeValidation(parsed, { file }).output.join('\n'),
    /\nOK\nWarning: Rule #2 is never reached.*\n {2}line 3: /,
  );
});
