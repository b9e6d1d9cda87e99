// The whole suite on plain workerd, in a Worker and on this Node: what a change of the socket breaks shows here first.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { areas } from './cases/index.ts';
import { type Arena, currentNode, startArena } from './host/arena.ts';
import { hasIpv6, needsIpv6, runSuite, type Verdicts } from './host/suite.ts';

let arena: Arena;
let verdicts: Verdicts[];

before(async () => {
  arena = await startArena(['workerd', 'worker', currentNode()]);
  const cases = areas.flatMap((area) => area.cases.map((subject) => ({ area, case: subject })));
  verdicts = await runSuite(
    cases.filter((job) => hasIpv6() || !needsIpv6(job.case)),
    arena,
  );
});

after(() => arena?.[Symbol.asyncDispose]());

for (const area of areas) {
  test(`${area.title}: as plain workerd, or as the documented difference says`, () => {
    const its = verdicts.filter(({ job }) => job.area === area);
    const unexplained = its.filter(({ verdict }) => verdict === 'unexplained');
    assert.deepEqual(
      unexplained.map(({ job, problems }) => ({ name: job.case.name, problems })),
      [],
    );
  });
}

test('REPORT.md tells of every difference', async () => {
  const report = await readFile(new URL('REPORT.md', import.meta.url), 'utf8');
  const differing = areas.flatMap(({ cases }) => cases.filter(({ differs }) => differs !== undefined));
  const missing = differing.filter(({ name, differs }) => !report.includes(name) || !report.includes(differs!.why));
  assert.deepEqual(
    missing.map(({ name }) => name),
    [],
    'run `npm run conformance`',
  );
});
