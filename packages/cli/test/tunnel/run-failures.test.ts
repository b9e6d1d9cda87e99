// What `sallyport tunnel run` says when it cannot: which file or value, what to do, exit code 1 and no stack.
import assert from 'node:assert/strict';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { createAuthority } from '@sallyport/testkit';
import { encodeToken, toCredentialsFile } from '@sallyport/tunnel';
import { run } from '../support/run.ts';
import { createBench, tunnelId } from './support.ts';

test('each mistake is named with its remedy', { timeout: 120_000 }, async (t) => {
  const { home, file, token, credentials } = await createBench(t);
  const put = async (name: string, text: string, mode = 0o600): Promise<string> => {
    await writeFile(join(home, name), text, { mode });
    return join(home, name);
  };
  await mkdir(join(home, 'folder'));
  const cloudflare = { a: 'x', t: tunnelId, s: Buffer.alloc(32).toString('base64') };
  const plain = await put('plain.yml', 'ingress: [{service: hello_world}]\n');
  const cases: [args: string[], expected: RegExp[]][] = [
    [[], [/needs a token, or the name or id/, /--token-file/]],
    [['--config', plain], [/plain\.yml has no "tunnel"/]],
    [['--token', ''], [/token is empty/]],
    [
      ['--token', token.slice(0, 200)],
      [/The token is cut off or changed/, /sallyport tunnel token NAME/],
    ],
    [['--token', 'ein token'], [/The token/]],
    [['--token', Buffer.from(JSON.stringify(cloudflare)).toString('base64')], [/made for another service/]],
    [
      ['--token-file', join(home, 'absent')],
      [/token file .*absent cannot be read: ENOENT/, /Check the path/],
    ],
    [['--token-file', join(home, 'folder')], [/token file .*folder cannot be read: EISDIR/]],
    [['--cred-file', await put('empty.json', '')], [/empty\.json is empty/]],
    [['--cred-file', await put('half.json', toCredentialsFile(credentials).slice(0, 90))], [/half\.json is cut off/]],
    [['--cred-file', await put('big.json', 'x'.repeat(100_000))], [/big\.json has 100000 bytes/]],
    [['--cred-file', file, 'other'], [/those of tunnel home \(6ff42ae2.*not of other/]],
    [['nobody'], [/Credentials of tunnel nobody were not found in .*\.sallyport/, /--credentials-file/]],
    [['--config', join(home, 'absent.yml')], [/configuration file .*absent\.yml cannot be read/]],
    [
      ['--config', await put('bad.yml', 'ingress: [{service: nope}]\n'), '--token', token],
      [/bad\.yml:1:\d+: nope is an invalid address/],
    ],
    [
      ['--config', await put('half.yml', 'tunnel: x\ningress:\n  - service: [\n'), '--token', token],
      [/half\.yml/, /Correct the file/],
    ],
    [
      ['--config', plain, '--url', 'http://a', '--token', token],
      [/^You can't set the --url flag \(or \$TUNNEL_URL\) when using multiple-origin ingress rules/],
    ],
    [['--url', 'localhost:80', '--token', token], [/--url: localhost:80 is an invalid address/]],
    [
      ['--metrics', '192.0.2.1:1', '--token', token],
      [/Metrics cannot be served there/, /--metrics/],
    ],
    [
      [
        '--config',
        await put('ca.yml', 'originRequest: {caPool: /nowhere}\ningress: [{service: "https://a"}]\n'),
        '--token',
        token,
      ],
      [/caPool/],
    ],
  ];
  const check = async ([args, expected]: (typeof cases)[number]): Promise<void> => {
    const { code, stdout, stderr } = await run(['tunnel', 'run', ...args], { cwd: home, env: { HOME: home } });
    assert.deepEqual([code, stdout], [1, ''], stderr);
    for (const pattern of expected) assert.match(stderr, pattern, args.join(' '));
    assert.doesNotMatch(stderr, /\n\s+at /, stderr);
    assert.ok(!stderr.includes(Buffer.from(credentials.secret).toString('base64').slice(0, 12)), stderr);
  };
  // A few at a time: each is a process.
  while (cases.length > 0) await Promise.all(cases.splice(0, 3).map(check));
});

test(
  'a file that may not be read says whose it must be',
  { skip: process.getuid?.() === 0, timeout: 30_000 },
  async (t) => {
    const { home, file } = await createBench(t);
    await chmod(file, 0o000);
    const { code, stderr } = await run(['tunnel', 'run', '--cred-file', file], { cwd: home, env: { HOME: home } });
    assert.equal(code, 1);
    assert.match(stderr, /EACCES[^]*chown/);
  },
);

test('calls that cannot be understood exit with 64', { timeout: 60_000 }, async (t) => {
  const { home, token } = await createBench(t);
  const cases: [args: string[], expected: RegExp][] = [
    [['--edge', 'nobody'], /--edge takes HOST:PORT, not nobody/],
    [['--ha-connections', '0'], /--ha-connections takes a number from 1 to 64, not 0/],
    [['--grace-period', '30'], /--grace-period takes a duration with a unit, such as 30s, not 30/],
    [['--metrics', 'nowhere'], /--metrics takes ADDRESS:PORT or off, not nowhere/],
    [['--loglevel', 'loud'], /--loglevel takes debug, info, warn, error, fatal, not loud/],
    [['a', 'b'], /Unexpected argument: b/],
  ];
  for (const [args, expected] of cases) {
    const all = ['tunnel', 'run', '--token', token, ...args];
    const { code, stderr } = await run(all, { cwd: home, env: { HOME: home } });
    assert.equal(code, 64, stderr);
    assert.match(stderr, expected);
  }
});

test(
  'a secret the edge does not accept, and another authority, end the start with a remedy',
  { timeout: 60_000 },
  async (t) => {
    const { home, credentials } = await createBench(t);
    const wrong = encodeToken({ ...credentials, secret: Buffer.alloc(32, 8) });
    const args = ['tunnel', 'run', '--metrics', '127.0.0.1:0', '--token'];
    const refused = await run([...args, wrong], { cwd: home, env: { HOME: home } });
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /ERR Unable to establish connection with the edge .*code=unauthorized/);
    assert.match(
      refused.stderr,
      /The edge does not accept this tunnel id and secret.*\nGet a fresh token with `sallyport tunnel token NAME`/,
    );

    const { ca } = await createAuthority('Another edge');
    const foreign = await run([...args, encodeToken({ ...credentials, ca })], { cwd: home, env: { HOME: home } });
    assert.equal(foreign.code, 1);
    assert.match(foreign.stderr, /The edge did not prove who it is/);
  },
);
