// A new resource goes into a project's configuration, and nothing else in it changes.
import assert from 'node:assert/strict';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { addResource, findBoundId, findEditableConfig, type NewResource, toResourceText } from '../../src/index.ts';

const resource: NewResource = { key: 'hyperdrive', entry: { binding: 'DB', id: 'f00' } };

async function added(
  t: TestContext,
  { name, text, ...rest }: { name: string; text: string } & Partial<NewResource>,
): Promise<[problem: string | undefined, text: string]> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, name);
  await writeFile(file, text);
  await chmod(file, 0o640);
  const problem = await addResource(file, { ...resource, ...rest });
  assert.deepEqual(await readdir(folder), [name]);
  assert.equal((await stat(file)).mode & 0o777, 0o640);
  return [problem?.replace(`${folder}/`, ''), await readFile(file, 'utf8')];
}

test('JSON keeps its comments, order and indentation', async (t) => {
  const text = '{\n    // mine\n    "name": "w", /* x */\n    "vars": {\n        "a": 1, // one\n    },\n}\n';
  const [problem, changed] = await added(t, { name: 'wrangler.jsonc', text });
  assert.equal(problem, undefined);
  assert.equal(
    changed,
    text.replace(
      '    },\n}',
      '    },\n    "hyperdrive": [\n        {\n            "binding": "DB",\n            "id": "f00"\n        }\n    ],\n}',
    ),
  );
  const second = await added(t, { name: 'wrangler.jsonc', text: changed, entry: { binding: 'TWO', id: 'b' } });
  assert.match(second[1], /"id": "f00"\n {8}\},\n {8}\{\n {12}"binding": "TWO"/);
});

test('a binding in JSON that has no id yet gets it, and keeps what else it has', async (t) => {
  const text =
    '{\n  "hyperdrive": [\n    { "binding": "ONE", "id": "1" },\n    { "binding": "DB", "id": "" }, // mine\n  ],\n}\n';
  const [problem, changed] = await added(t, { name: 'wrangler.jsonc', text });
  assert.equal(problem, undefined);
  assert.equal(changed, text.replace('"id": ""', '"id": "f00"'));
  const [again] = await added(t, { name: 'wrangler.jsonc', text: changed });
  assert.equal(again, 'wrangler.jsonc has a binding DB already');
  const without = await added(t, { name: 'wrangler.json', text: '{"hyperdrive":[{"binding":"DB","x":1}]}' });
  assert.deepEqual(JSON.parse(without[1]), { hyperdrive: [{ binding: 'DB', x: 1, id: 'f00' }] });
});

test('a binding to a service gets its id under its own name, and tells the one it has', async (t) => {
  const service = { key: 'vpc_services', entry: { binding: 'API', service_id: 'f00' } };
  const text = '{ "vpc_services": [{ "binding": "API", "service_id": "" }] }\n';
  const [problem, changed] = await added(t, { name: 'wrangler.jsonc', text, ...service });
  assert.deepEqual([problem, changed], [undefined, text.replace('""', '"f00"')]);
  const [again] = await added(t, { name: 'wrangler.jsonc', text: changed, ...service });
  assert.equal(again, 'wrangler.jsonc has a binding API already');
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'wrangler.jsonc');
  for (const [written, id] of [
    [changed, 'f00'],
    [text, undefined],
  ] as const) {
    await writeFile(file, written);
    assert.equal(await findBoundId(file, service), id);
  }
});

test('TOML gets a table at its end, also for a named environment', async (t) => {
  const text = 'name = "w" # mine\r\n[vars]\r\na = 1';
  const [problem, changed] = await added(t, { name: 'wrangler.toml', text });
  assert.equal(problem, undefined);
  assert.equal(changed, `${text}\r\n\r\n[[hyperdrive]]\r\nbinding = "DB"\r\nid = "f00"\r\n`);
  const [, more] = await added(t, { name: 'wrangler.toml', text: changed, env: 'a b' });
  assert.ok(more.endsWith('\n[[env."a b".hyperdrive]]\r\nbinding = "DB"\r\nid = "f00"\r\n'));
});

test('an environment in JSON gets a list of its own', async (t) => {
  const [problem, changed] = await added(t, {
    name: 'wrangler.json',
    text: '{"env":{"live":{"vars":{}}}}',
    env: 'live',
  });
  assert.equal(problem, undefined);
  assert.deepEqual(JSON.parse(changed), { env: { live: { vars: {}, hyperdrive: [resource.entry] } } });
});

test('what cannot be added to is left as it is, with the reason', async (t) => {
  const cases: [name: string, text: string, problem: RegExp][] = [
    ['wrangler.jsonc', '{"name": ', /has errors/],
    ['wrangler.jsonc', '[]', /has errors/],
    ['wrangler.jsonc', '{"hyperdrive": {}}', /cannot add to/],
    ['wrangler.jsonc', '{"hyperdrive": [{"binding": "DB", "id": "a"}]}', /has a binding DB already/],
    ['wrangler.toml', 'hyperdrive = []', /cannot add to/],
    ['wrangler.toml', '[[hyperdrive]]\nbinding = "DB"\n', /has a binding DB already/],
    ['wrangler.yaml', '', /neither JSON nor TOML/],
  ];
  for (const [name, text, wanted] of cases) {
    const [problem = '', after] = await added(t, { name, text });
    assert.match(problem, wanted);
    assert.equal(after, text);
  }
});

test('the lines to add by hand are those that are written', () => {
  assert.equal(toResourceText(resource, 'toml'), '[[hyperdrive]]\nbinding = "DB"\nid = "f00"\n');
  assert.equal(
    toResourceText(resource, 'jsonc'),
    '"hyperdrive": [\n  {\n    "binding": "DB",\n    "id": "f00"\n  }\n]\n',
  );
});

test('the configuration to edit is found above the folder', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-'));
  t.after(() => rm(folder, { recursive: true }));
  assert.equal(await findEditableConfig(folder), undefined);
  await writeFile(join(folder, 'wrangler.toml'), '');
  assert.deepEqual(await findEditableConfig(folder), { file: join(folder, 'wrangler.toml'), format: 'toml' });
});
