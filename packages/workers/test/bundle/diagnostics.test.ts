// What a user is told when a Worker cannot be built.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { BuildError, type Project, type SourceDiagnostic, WorkersError } from '../../src/index.ts';
import { createWorkbench } from '../workbench.ts';

async function failure(
  t: TestContext,
  files: Record<string, string>,
  project: Partial<Project> = {},
): Promise<{ first: SourceDiagnostic; error: BuildError; folder: string }> {
  const bench = await createWorkbench(t, files, { project });
  const error = await bench.build().then(
    () => assert.fail('the build succeeded'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof BuildError, String(error));
  return { first: error.diagnostics[0]!, error, folder: bench.folder };
}

test('a syntax error is a diagnostic with file, line, column and the quoted line', async (t) => {
  const { first, folder } = await failure(t, { 'src/index.ts': `export default {\n  é: 1, fetch( { }\n};\n` });
  assert.equal(first.file, join(folder, 'src/index.ts'));
  assert.deepEqual([first.severity, first.line, first.column], ['error', 3, 1]);
  assert.equal(first.lineText, '};');
  assert.ok(first.message.length > 0);
});

test('columns count characters, also behind characters of several bytes', async (t) => {
  const { first } = await failure(t, { 'src/index.ts': `/* é漢 */ export default )` });
  assert.deepEqual([first.line, first.column], [1, 25]);
});

test('an import that cannot be found names the specifier and the place, and its folder is watched', async (t) => {
  const { first, error, folder } = await failure(t, { 'src/index.ts': `import './missing.ts';\nexport default {};` });
  assert.equal(first.code, 'unresolved_import');
  assert.match(first.message, /"\.\/missing\.ts"/);
  assert.deepEqual([first.line, first.column], [1, 8]);
  assert.ok(error.inputs.includes(join(folder, 'src')));
});

test('a missing entry is a diagnostic', async (t) => {
  const { first } = await failure(t, {});
  assert.equal(first.severity, 'error');
  assert.match(first.message, /index\.ts/);
});

test('the service worker format is refused with the way to ES modules', async (t) => {
  const { first } = await failure(t, { 'src/index.ts': `addEventListener('fetch', () => {});` });
  assert.equal(first.code, 'service_worker_format');
  assert.match(first.remedy, /export default/);
  const named = await failure(t, { 'src/index.ts': `export const a = 1;` });
  assert.match(named.first.message, /it exports a/);
});

test('a Durable Object class that is not exported is named, with what is', async (t) => {
  const { first, folder } = await failure(
    t,
    { 'src/index.ts': `class Counter {} export class Other {} export default { x: Counter };` },
    { durableObjects: [{ binding: 'C', className: 'Counter', sqlite: true }] },
  );
  assert.equal(first.code, 'missing_class_export');
  assert.equal(first.file, join(folder, 'src/index.ts'));
  assert.match(first.message, /Counter is not exported; exported are .*Other/);
});

test('a repaired file builds again with the same bundler', async (t) => {
  const bench = await createWorkbench(t, { 'src/index.ts': `export default {` });
  await assert.rejects(bench.build());
  await bench.write({ 'src/index.ts': `import './other.ts'; export default {};`, 'src/other.ts': '' });
  const { inputs, exports, entry, modules } = await bench.build();
  assert.deepEqual(inputs.toSorted(), [join(bench.folder, 'src/index.ts'), join(bench.folder, 'src/other.ts')]);
  assert.deepEqual(exports, ['default']);
  assert.equal(modules[0]?.name, entry);
});

test('the build command runs first; when it fails its output is shown', async (t) => {
  const command = `node -e "require('fs').writeFileSync('src/index.ts', 'export default {}')"`;
  const bench = await createWorkbench(t, { 'src/other.ts': '' });
  bench.project.build = { command, cwd: bench.folder, watchDirs: [join(bench.folder, 'src')] };
  assert.deepEqual((await bench.build()).exports, ['default']);
  bench.project.build.command = 'echo out; echo err >&2; exit 3';
  await assert.rejects(bench.build(), (error) => {
    assert.ok(error instanceof WorkersError);
    assert.equal(error.code, 'build_command_failed');
    assert.match(error.message, /exit code 3/);
    assert.match(error.message, /out/);
    assert.match(error.message, /err/);
    return true;
  });
});

test('an error of this package is a BuildError only when the build failed', () => {
  const other = new WorkersError('workerd_start_failed', { output: '' });
  assert.ok(other instanceof WorkersError && !(other instanceof BuildError));
  const failed = new BuildError('src/index.ts', [], []);
  assert.ok(failed instanceof WorkersError && failed instanceof BuildError);
});
