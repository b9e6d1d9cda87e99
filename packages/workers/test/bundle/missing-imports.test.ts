// A build that failed for want of a file succeeds once the file is there, without another save.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { BuildError, watchProject } from '../../src/index.ts';
import { createWorkbench, type Workbench } from '../workbench.ts';

interface Later {
  /** Resolves when a change of what the failure said to watch has led to a bundle. */
  built: Promise<void>;
}

/** Expects the build to fail, and builds again at every change of what the failure names. */
async function failFirst(t: TestContext, bench: Workbench): Promise<Later> {
  const build = (): Promise<unknown> => bench.build().catch((error: unknown) => error);
  const failure = await build();
  assert.ok(failure instanceof BuildError);
  const built = new Promise<void>((resolve) => {
    const watcher = watchProject(failure.inputs, async () => {
      const result = await build();
      if (result instanceof BuildError) watcher.update(result.inputs);
      else resolve();
    });
    t.after(() => watcher.close());
  });
  return { built };
}

const source = (specifier: string): Record<string, string> => ({
  'src/index.js': `import { x } from '${specifier}'; export default { fetch: () => new Response(x) };`,
});
const dependency = 'export const x = 1;';

test('a file is noticed that appears in another folder', async (t) => {
  const bench = await createWorkbench(
    t,
    { ...source('../lib/x'), 'lib/other.js': '' },
    { project: { main: 'src/index.js' } },
  );
  const { built } = await failFirst(t, bench);
  await bench.write({ 'lib/x.js': dependency });
  await built;
});

test('a file is noticed that appears in folders that appear with it', async (t) => {
  const bench = await createWorkbench(t, source('./deep/er/x'), { project: { main: 'src/index.js' } });
  const { built } = await failFirst(t, bench);
  await bench.write({ 'src/deep/er/x/index.js': dependency });
  await built;
});

test('an installed package is noticed', async (t) => {
  const bench = await createWorkbench(t, source('pack/sub'), { project: { main: 'src/index.js' } });
  const { built } = await failFirst(t, bench);
  await bench.write({ 'node_modules/pack/sub/index.js': dependency });
  await bench.write({ 'node_modules/.package-lock.json': '{}' });
  await built;
});

test('a file that a mapped name leads to is noticed beside those of the last good build', async (t) => {
  const paths = { 'tsconfig.json': JSON.stringify({ compilerOptions: { paths: { '@/*': ['./lib/*'] } } }) };
  const files = { ...paths, ...source('@/x'), 'lib/x.js': dependency };
  const bench = await createWorkbench(t, files, { project: { main: 'src/index.js' } });
  await bench.build();
  await bench.write(source('@/y'));
  const { built } = await failFirst(t, bench);
  await bench.write({ 'lib/y.js': dependency });
  await built;
});
