// All cases, area by area, with the differences on purpose.
import type { Area, Differs } from '../case.ts';
import { addresses } from './addresses.ts';
import { closing } from './closing.ts';
import { ending } from './ending.ts';
import { errors } from './errors.ts';
import { lifetime } from './lifetime.ts';
import { options } from './options.ts';
import { policy } from './policy.ts';
import { reading } from './reading.ts';
import { shape } from './shape.ts';
import { starttls } from './starttls.ts';
import { tls } from './tls.ts';
import { writing } from './writing.ts';
import { differences as addressesDifferences } from './differences/addresses.table.ts';
import { differences as closingDifferences } from './differences/closing.table.ts';
import { differences as endingDifferences } from './differences/ending.table.ts';
import { differences as errorsDifferences } from './differences/errors.table.ts';
import { differences as lifetimeDifferences } from './differences/lifetime.table.ts';
import { differences as optionsDifferences } from './differences/options.table.ts';
import { differences as policyDifferences } from './differences/policy.table.ts';
import { differences as readingDifferences } from './differences/reading.table.ts';
import { differences as shapeDifferences } from './differences/shape.table.ts';
import { differences as starttlsDifferences } from './differences/starttls.table.ts';
import { differences as tlsDifferences } from './differences/tls.table.ts';
import { differences as writingDifferences } from './differences/writing.table.ts';

/** @throws Error when a difference is about no case, so that a renamed case does not lose its text */
function explain(area: Area, differences: Record<string, Differs>): Area {
  const names = new Set(area.cases.map(({ name }) => name));
  const stray = Object.keys(differences).find((name) => !names.has(name));
  if (stray !== undefined) throw new Error(`${area.id}: there is no case '${stray}' to differ in`);
  if (names.size !== area.cases.length) throw new Error(`${area.id}: two cases have one name`);
  const cases = area.cases.map((subject) => {
    const differs = differences[subject.name];
    return differs === undefined ? subject : { ...subject, differs };
  });
  return { ...area, cases };
}

export const areas: readonly Area[] = [
  explain(addresses, addressesDifferences),
  explain(options, optionsDifferences),
  explain(shape, shapeDifferences),
  explain(errors, errorsDifferences),
  explain(writing, writingDifferences),
  explain(reading, readingDifferences),
  explain(ending, endingDifferences),
  explain(closing, closingDifferences),
  explain(tls, tlsDifferences),
  explain(starttls, starttlsDifferences),
  explain(lifetime, lifetimeDifferences),
  explain(policy, policyDifferences),
];
