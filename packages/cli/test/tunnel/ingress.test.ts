// `sallyport tunnel ingress validate` and `ingress rule`, as processes.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { type Outcome, run } from '../support/run.ts';

async function home(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-'));
  t.after(() => rm(folder, { recursive: true }));
  await mkdir(join(folder, '.cloudflared'));
  return folder;
}

const ask = (folder: string, ...args: string[]): Promise<Outcome> =>
  run(['tunnel', 'ingress', ...args], { cwd: folder, env: { HOME: folder } });

const rules = 'ingress:\n  - hostname: "*.a.com"\n    path: /x\n    service: https://a\n  - service: http_status:404\n';

test('a valid file is OK and a rule is found, in the file cloudflared would use', async (t) => {
  const folder = await home(t);
  const file = join(folder, '.cloudflared', 'config.yml');
  await writeFile(file, rules);
  assert.deepEqual(await ask(folder, 'validate'), {
    code: 0,
    signal: null,
    stdout: `Validating rules from ${file}\nOK\n`,
    stderr: '',
  });
  const { code, stdout } = await ask(folder, 'rule', 'https://b.a.com/x');
  assert.equal(code, 0);
  assert.equal(
    stdout,
    `Using rules from ${file}\nMatched rule #0\n\thostname: *.a.com\n\tpath: /x\n\tservice: https://a\n`,
  );
});

test('an invalid file fails with its place; none at all, and a URL without scheme, say so', async (t) => {
  const folder = await home(t);
  const none = await ask(folder, 'validate');
  assert.equal(none.code, 1);
  assert.match(none.stderr, /^No configuration file was found\./);
  const file = join(folder, 'x.yml');
  await writeFile(file, 'ingress: []\n');
  const { code, stderr } = await ask(folder, 'validate', '--config', file);
  assert.equal(code, 1);
  assert.match(stderr, /^Validation failed: The config file doesn't contain any ingress rules\n {2}at .*x\.yml:1:/);
  await writeFile(file, rules);
  const rule = await ask(folder, 'rule', '--config', file, 'b.a.com');
  assert.deepEqual([rule.code, rule.stderr], [1, "b.a.com doesn't have a hostname, consider adding a scheme\n"]);
});

test('validate warns of a key at the top that has no effect, as run does', async (t) => {
  const folder = await home(t);
  const file = join(folder, 'x.yml');
  await writeFile(file, `${rules}\nprotocol: quic\nloglevel: debug\n`);
  const { code, stdout } = await ask(folder, 'validate', '--config', file);
  assert.equal(code, 0);
  assert.match(stdout, /\nWarning: protocol is no setting of this connector: it has no effect\n$/);
});

test('JSON is checked from the command line, with durations in seconds', async (t) => {
  const folder = await home(t);
  const good = '{"originRequest":{"connectTimeout":10},"ingress":[{"service":"http://a"}]}';
  assert.match((await ask(folder, 'validate', '--json', good)).stdout, /^Validating rules from JSON\nOK\n$/);
  assert.equal((await ask(folder, 'validate', '--json', good.replace('10', '"10s"'))).code, 1);
});
