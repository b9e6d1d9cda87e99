// Every driver against its real server, in a Worker and on Node; and the page that says so.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { before, test } from 'node:test';
import { isInstalled, leftOut, needs, use } from '@sallyport/testkit';
import { drivers } from './cases/index.ts';
import type { Driver } from './driver.ts';
import { kinds, Lab } from './host/lab.ts';
import { isTried, type Outcome, runMatrix, toJobs } from './host/matrix.ts';
import { driversPage, toDriversPage } from './host/page.ts';
import { startDriverWorker } from './host/worker.ts';

const places = { worker: 'in a Worker', node: 'on Node' } as const;
const jobs = toJobs(drivers);
let outcomes: Outcome[];

function canRun({ server }: Driver): boolean {
  const { needs: name } = kinds[server];
  return name === undefined || (isInstalled(name) && !leftOut().includes(name));
}

before(async () => {
  outcomes = await runMatrix(jobs.filter(({ driver }) => canRun(driver)));
});

for (const driver of drivers) {
  for (const [place, where] of Object.entries(places)) {
    const its = jobs.filter((job) => job.driver === driver && job.place === place && isTried(job));
    if (its.length === 0) continue;
    test(`${driver.package} ${where}: ${its.map(({ mode }) => mode).join(', ')}`, (t) => {
      const { needs: name } = kinds[driver.server];
      if (name !== undefined && !needs(t, name)) return;
      const seen = outcomes.filter((outcome) => outcome.driver === driver && outcome.place === place);
      assert.ok(seen.length >= its.length);
      assert.deepEqual(
        seen.filter(({ problem }) => problem !== undefined).map(({ mode, problem }) => ({ mode, problem })),
        [],
      );
    });
  }
}

test('docs/drivers.md says what this run saw', async () => {
  assert.equal(await readFile(driversPage, 'utf8'), toDriversPage(drivers, outcomes), 'run `npm run drivers`');
});

test('port 25 stays blocked, whichever way a driver takes', async (t) => {
  const lab = await use(t, Lab.create());
  const worker = await use(t, startDriverWorker('bare', lab));
  const target = { ...(await lab.target('smtp', 'plain')), port: 25 };
  for (const driver of ['nodemailer', 'worker-mailer', 'basic-ftp', '@sallyport/sockets']) {
    await assert.rejects(worker.run({ driver, target }), /port 25/i, driver);
  }
});
