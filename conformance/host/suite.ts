// Runs cases on subjects and judges what they saw.
import { networkInterfaces } from 'node:os';
import type { Area, Case, Json } from '../case.ts';
import { judge, type Judgement, normalise, type Observations } from './compare.ts';
import type { Control } from './control.ts';
import { PeerSet, type Shared } from './peers.ts';
import type { Subject } from './subject.ts';

/** Cases that one subject runs at once. */
const concurrency = 8;
/** A mismatch is tried again, alone and with more patience, before it counts: the machine may have been busy. */
const secondTries = 2;
const secondPatience = 3;
/** Milliseconds until a case that does not answer counts as crashed. */
const caseTimeout = 12_000;

export interface Job {
  area: Area;
  case: Case;
}

export interface Verdicts extends Judgement {
  job: Job;
  observations: Observations;
  /** What was wrong at first, where a second try was needed. */
  atFirst: Judgement['problems'];
}

export interface SuiteParts {
  subjects: readonly Subject[];
  control: Control;
  shared: Shared;
}

/** True when a case talks to a peer on the IPv6 loopback, which not every machine has. */
export function needsIpv6({ peers = {} }: Case): boolean {
  return Object.values(peers).some(({ host }) => host === '::1');
}

export function hasIpv6(): boolean {
  return Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ address }) => address === '::1'));
}

export function runsOn({ subjects }: Case, { kind }: Subject): boolean {
  return subjects === undefined || subjects.includes(kind);
}

async function runOnce(job: Job, subject: Subject, { control, shared }: SuiteParts, patience: number): Promise<Json> {
  const clientCertificate = job.case.clientCertificate ?? false;
  const peers = new PeerSet();
  let timer: NodeJS.Timeout | undefined;
  const run = control.add({ peers, elsewhere: (part) => subject.part(part, { clientCertificate }) });
  try {
    await peers.start(job.case.peers ?? {}, shared);
    const late = new Promise<unknown>((resolve) => {
      timer = setTimeout(() => resolve({ crashed: 'no answer' }), caseTimeout * patience);
    });
    const asked = subject.run({
      run,
      area: job.area.id,
      name: job.case.name,
      peers: peers.addresses,
      control: control.origin,
      patience,
      clientCertificate,
    });
    return normalise(await Promise.race([asked, late]), peers.addresses);
  } catch (error) {
    return { crashed: error instanceof Error ? error.message : String(error) };
  } finally {
    clearTimeout(timer);
    control.remove(run);
    await peers[Symbol.asyncDispose]();
  }
}

async function runAll(jobs: readonly Job[], subject: Subject, parts: SuiteParts, atOnce: number): Promise<Json[]> {
  const observations: Json[] = [];
  const entries = jobs.entries();
  const work = async (): Promise<void> => {
    for (const [index, job] of entries) observations[index] = await runOnce(job, subject, parts, 1);
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return observations;
}

async function again(verdicts: Verdicts, parts: SuiteParts): Promise<void> {
  for (let turn = 0; turn < secondTries && verdicts.verdict === 'unexplained'; turn += 1) {
    for (const subject of parts.subjects.filter((candidate) => runsOn(verdicts.job.case, candidate))) {
      verdicts.observations[subject.name] = await runOnce(verdicts.job, subject, parts, secondPatience);
    }
    Object.assign(verdicts, judge(verdicts.job.case, verdicts.observations, parts.subjects));
  }
}

/** The verdict of every job, in order. */
export async function runSuite(jobs: readonly Job[], parts: SuiteParts): Promise<Verdicts[]> {
  const { subjects } = parts;
  const observed = new Map<Job, Observations>(jobs.map((job) => [job, {}]));
  const collect = async (subject: Subject, alone: boolean): Promise<void> => {
    const its = jobs.filter((job) => runsOn(job.case, subject) && (job.case.alone ?? false) === alone);
    const observations = await runAll(its, subject, parts, alone ? 1 : concurrency);
    for (const [index, job] of its.entries()) observed.get(job)![subject.name] = observations[index]!;
  };
  await Promise.all(subjects.map((subject) => collect(subject, false)));
  await Promise.all(subjects.map((subject) => collect(subject, true)));
  const verdicts = jobs.map((job): Verdicts => {
    const observations = observed.get(job)!;
    return { job, observations, atFirst: [], ...judge(job.case, observations, subjects) };
  });
  for (const verdict of verdicts) {
    verdict.atFirst = verdict.problems;
    await again(verdict, parts);
  }
  return verdicts;
}
