// docs/guide/connector.md tells the truth: its tables are compared with the parser, the metrics and the paths.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { createConnectorMetrics } from '../../src/agent/connector-metrics.ts';
import { originRequestDefaults, parseTunnelConfig } from '../../src/index.ts';

const guide = await readFile(new URL('../../../../docs/guide/connector.md', import.meta.url), 'utf8');

/** The rows of the table whose header starts with this cell. */
function table(first: string): string[][] {
  const lines = guide.split('\n');
  const start = lines.findIndex((line) => line.startsWith(`| ${first} |`));
  assert.notEqual(start, -1, first);
  const rows = lines.slice(start + 2);
  return rows
    .slice(
      0,
      rows.findIndex((line) => !line.startsWith('|')),
    )
    .map((line) =>
      line
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

const codes = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, code]) => code!);

test('every option of origins is in the table with its default, and "not used" is what the parser says too', () => {
  const rows = table('`originRequest` key');
  assert.deepEqual(
    rows.map(([key]) => codes(key!)[0]),
    Object.keys(originRequestDefaults),
  );
  for (const [key, value, meaning] of rows) {
    const name = codes(key!)[0]!;
    const [text] = codes(value!);
    const config = (written: string): ReturnType<typeof parseTunnelConfig> =>
      parseTunnelConfig(`originRequest: {${name}: ${written}}\ningress: [{service: hello_world}]`, { file: 'f' });
    if (text !== undefined) assert.deepEqual(config(text).config?.originRequest, originRequestDefaults, name);
    const other: Record<string, string> = {
      ipRules: '[{prefix: 10.0.0.0/8}]',
      proxyPort: '1',
      proxyAddress: 'a',
      proxyType: 'socks',
    };
    const set = config(other[name] ?? 'true');
    const differs = set.diagnostics.some(({ code }) => code === 'unused_option');
    if (meaning!.startsWith('not used')) assert.ok(differs, name);
    else if (set.config !== undefined && name !== 'bastionMode') assert.equal(differs, false, name);
  }
});

test('the example is valid, and so is each entry that is shown', () => {
  const example = /```yaml\n([^]*?)```/.exec(guide)?.[1] ?? '';
  const { config, diagnostics } = parseTunnelConfig(example, { file: 'config.yml' });
  assert.ok(config);
  assert.deepEqual(diagnostics, []);
  assert.deepEqual(config.settings, {});
  const entries = /An entry is[^]*?\. An allowed/.exec(guide)?.[0] ?? '';
  const shown = codes(entries.slice(entries.indexOf('ports:'))).map((code) => code.replaceAll('"', ''));
  assert.equal(shown.length, 5);
  const text = JSON.stringify({ ingress: [{ service: 'hello_world' }], 'private-network': { allow: shown } });
  assert.deepEqual(parseTunnelConfig(text, { file: 'f' }).diagnostics, []);
});

test('the keys of private-network are those of the parser', () => {
  const keys = table('`private-network` key').map(([key]) => codes(key!)[0]!);
  const { config } = parseTunnelConfig('ingress: [{service: hello_world}]', { file: 'f' });
  assert.deepEqual(keys, Object.keys(config!.privateNetwork));
});

test('every metric is in the table, and nothing else', () => {
  const { registry } = createConnectorMetrics({ live: () => 0, version: '0' });
  const served = [...registry.toText().matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name!);
  const told = table('Metric')
    .flatMap(([names]) => codes(names!))
    .map((name) => name.replace(/\{.*/, ''));
  assert.deepEqual(told.sort(), served.sort());
});
