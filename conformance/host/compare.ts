// Whether what was observed is what should be.
import type { Case, Json, SubjectKind } from '../case.ts';
import type { PeerAddress } from '../guest/context.ts';
import type { Subject } from './subject.ts';

/** `same` as the oracle, different as `documented`, or `unexplained`. */
export type Verdict = 'same' | 'documented' | 'unexplained';

export interface Judgement {
  verdict: Verdict;
  /** For `unexplained`: which subject, and what was wanted of it. */
  problems: { subject: string; wanted: Json; saw: Json }[];
}

/** What each subject observed, by name; `workerd` is the oracle. */
export type Observations = Record<string, Json>;

/**
 * Replaces what is different in every run (ports, reference numbers of the oracle's internal errors), and the C++ type in
 * the runtime's own cross-request error.
 */
export function normalise(observation: unknown, peers: Record<string, PeerAddress>): Json {
  let text = JSON.stringify(observation);
  for (const [name, { port }] of Object.entries(peers)) text = text.replaceAll(`:${port}`, `:<${name}>`);
  const named = text
    .replaceAll(/reference = \w{10,}/g, 'reference = …')
    .replaceAll(/\(I\/O type: \w+>?\)/g, '(I/O type: …)');
  return JSON.parse(named) as Json;
}

export function isEqual(one: unknown, other: unknown): boolean {
  return toStable(one) === toStable(other);
}

/** JSON with sorted keys. */
function toStable(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

function isCrash(value: Json | undefined): boolean {
  return typeof value === 'object' && value !== null && JSON.stringify(value).includes('"crashed":');
}

function toWanted({ differs }: Case, kind: SubjectKind, oracle: Json | undefined): Json | undefined {
  if (kind === 'oracle' || differs === undefined) return oracle;
  if (differs.except?.subject === kind) return differs.except.expected;
  return differs.only === undefined || differs.only === kind ? differs.expected : oracle;
}

export function judge(subject: Case, observations: Observations, subjects: readonly Subject[]): Judgement {
  const { differs } = subject;
  const oracle = observations['workerd'];
  const problems: Judgement['problems'] = [];
  let documented = false;
  for (const { name, kind } of subjects) {
    const saw = observations[name];
    if (saw === undefined) continue;
    const wanted = toWanted(subject, kind, oracle);
    if (isCrash(saw)) problems.push({ subject: name, wanted: 'an observation', saw });
    else if (wanted === undefined)
      problems.push({ subject: name, wanted: 'an oracle, or a documented difference', saw });
    else if (!isEqual(saw, wanted)) problems.push({ subject: name, wanted, saw });
    else if (kind !== 'oracle' && !isEqual(saw, oracle)) documented = true;
  }
  if (problems.length > 0) return { verdict: 'unexplained', problems };
  if (documented) return { verdict: 'documented', problems };
  const ours = subjects.some(({ kind, name }) => kind !== 'oracle' && observations[name] !== undefined);
  if (differs === undefined || !ours || oracle === undefined) return { verdict: 'same', problems };
  const saw = 'the same as the oracle: the difference is gone, and its text with it';
  return { verdict: 'unexplained', problems: [{ subject: 'ours', wanted: differs.expected, saw }] };
}
