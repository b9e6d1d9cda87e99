// `npm run drivers`: the whole matrix, or the rows whose "driver place mode" contains a text; the whole writes docs/drivers.md.
import { writeFile } from 'node:fs/promises';
import { drivers } from './cases/index.ts';
import { runMatrix, toJobs } from './host/matrix.ts';
import { driversPage, toDriversPage } from './host/page.ts';

const filter = process.argv[2] ?? '';
const jobs = toJobs(drivers).filter(({ driver, place, mode }) => `${driver.package} ${place} ${mode}`.includes(filter));
const outcomes = await runMatrix(jobs, ({ driver, place, mode, cell, problem, took }) => {
  const verdict = problem === undefined ? (cell === 'works' ? 'ok   ' : 'known') : 'FAIL ';
  console.log(`${verdict} ${driver.package} ${place} ${mode} (${Math.round(took!)} ms)`);
  if (problem !== undefined) console.log(`      ${problem.replaceAll('\n', '\n      ')}`);
});
if (outcomes.some(({ problem }) => problem !== undefined)) process.exitCode = 1;
else if (filter === '') await writeFile(driversPage, toDriversPage(drivers, outcomes));
