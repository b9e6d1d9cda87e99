// `npm run conformance`: every case on every subject, progress by area, the report, and one line of JSON at the end.
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { areas } from './cases/index.ts';
import { type Arena, startArena, type SubjectName, subjectNames } from './host/arena.ts';
import { toReport } from './host/report.ts';
import { hasIpv6, type Job, needsIpv6, runSuite, type Verdicts } from './host/suite.ts';

const help = `Runs the socket API's conformance cases and compares each observation with plain workerd's.

  npm run conformance -- [--filter TEXT] [--subject NAME]... [--verbose]

  --filter TEXT   only cases whose "area / name" contains TEXT (no report is written)
  --subject NAME  only this subject beside workerd: ${subjectNames.join(', ')}; may be repeated (no report is written)
  --verbose       print every observation
  --help          this text

Exit code 1 when a difference is unexplained. The last line is RESULT and JSON.`;

function toJobs(filter: string | undefined): Job[] {
  const jobs = areas.flatMap((area) => area.cases.map((subject): Job => ({ area, case: subject })));
  return filter === undefined ? jobs : jobs.filter((job) => `${job.area.id} / ${job.case.name}`.includes(filter));
}

function count(verdicts: readonly Verdicts[], wanted: Verdicts['verdict']): number {
  return verdicts.filter(({ verdict }) => verdict === wanted).length;
}

function printArea(title: string, verdicts: readonly Verdicts[], verbose: boolean): void {
  const [same, documented, unexplained] = (['same', 'documented', 'unexplained'] as const).map((verdict) =>
    count(verdicts, verdict),
  );
  console.log(
    `${unexplained === 0 ? 'ok  ' : 'FAIL'} ${title}: ${verdicts.length} cases, ${same} same, ${documented} documented, ${unexplained} unexplained`,
  );
  for (const { job, problems, observations, atFirst, verdict } of verdicts) {
    const isRecovered = atFirst.length > 0 && problems.length === 0;
    if (isRecovered) console.log(`     needed another try: ${job.case.name}`);
    else if (verbose || verdict === 'unexplained') console.log(`     ${verdict}: ${job.case.name}`);
    if (verbose) {
      for (const [name, seen] of Object.entries(observations)) console.log(`       ${name} ${JSON.stringify(seen)}`);
    }
    for (const { subject, wanted, saw } of isRecovered ? atFirst : problems) {
      console.log(`       ${subject} should: ${JSON.stringify(wanted)}`);
      console.log(`       ${subject} saw:    ${JSON.stringify(saw)}`);
    }
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      filter: { type: 'string' },
      subject: { type: 'string', multiple: true },
      verbose: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return void console.log(help);
  const wanted = values.subject ?? [...subjectNames];
  const unknown = wanted.find((name) => !subjectNames.includes(name as SubjectName));
  if (unknown !== undefined) {
    console.error(`There is no subject ${unknown}. Subjects: ${subjectNames.join(', ')}.`);
    process.exitCode = 2;
    return;
  }
  const names = subjectNames.filter((name) => name === 'workerd' || wanted.includes(name));
  const all = toJobs(values.filter);
  const jobs = hasIpv6() ? all : all.filter((job) => !needsIpv6(job.case));
  if (jobs.length < all.length)
    console.log(`Left out: ${all.length - jobs.length} cases, because there is no ::1 here.`);
  const arena: Arena = await startArena(names);
  let verdicts: Verdicts[];
  try {
    verdicts = await runSuite(jobs, arena);
  } finally {
    await arena[Symbol.asyncDispose]();
  }
  for (const area of areas) {
    const its = verdicts.filter(({ job }) => job.area === area);
    if (its.length > 0) printArea(area.title, its, values.verbose);
  }
  const result = {
    cases: verdicts.length,
    same: count(verdicts, 'same'),
    documented: count(verdicts, 'documented'),
    unexplained: count(verdicts, 'unexplained'),
  };
  const complete = values.filter === undefined && jobs.length === all.length && names.length === subjectNames.length;
  if (complete && result.unexplained === 0) {
    await writeFile(new URL('REPORT.md', import.meta.url), toReport(verdicts, { areas, subjects: names }));
  }
  console.log(`RESULT ${JSON.stringify(result)}`);
  process.exitCode = result.unexplained > 0 ? 1 : 0;
}

await main();
