// What somebody may have meant by a command or an option that there is not.
import { toDistance } from '@sallyport/workers/edit-distance';
import type { Command } from './command.ts';

/** Most that are offered. */
const maxSuggestions = 3;
/** Fewest letters that may stand for a longer option. */
const minPrefix = 3;

/** Words of other tools, and ours. */
const synonyms: Readonly<Record<string, string>> = {
  ls: 'list',
  rm: 'delete',
  remove: 'delete',
  new: 'create',
  add: 'create',
  show: 'get',
  describe: 'get',
  edit: 'update',
  start: 'dev',
  serve: 'dev',
};

/** Commands, or groups of them, that the words of a call are nearly, or are the end of: `lst`, `service list`. */
export function suggestCommands(table: readonly Command[], words: readonly string[]): string[] {
  const paths = new Map<string, string[]>();
  for (const { name } of table) {
    const path = name.split(' ');
    for (let length = 1; length <= path.length; length += 1) {
      paths.set(path.slice(0, length).join(' '), path.slice(0, length));
    }
  }
  const found: { name: string; matched: number; cost: number }[] = [];
  for (const [name, path] of paths) {
    for (let left = 0; left < path.length; left += 1) {
      const cost = costOf(path.slice(left), words);
      // Without any cost it is what was said, and is no answer.
      if (cost !== undefined && cost + left > 0) found.push({ name, matched: path.length - left, cost: cost + left });
    }
  }
  found.sort((one, other) => other.matched - one.matched || one.cost - other.cost);
  const [best] = found;
  const asGood = found.filter(({ matched, cost }) => matched === best!.matched && cost === best!.cost);
  return asGood.slice(0, maxSuggestions).map((each) => each.name);
}

function costOf(path: readonly string[], words: readonly string[]): number | undefined {
  let cost = 0;
  for (const [index, wanted] of path.entries()) {
    const word = words[index];
    const one = word === undefined ? undefined : costOfWord(word, wanted);
    if (one === undefined) return undefined;
    cost += one;
  }
  return cost;
}

function costOfWord(word: string, wanted: string): number | undefined {
  const lower = word.toLowerCase();
  if (Object.hasOwn(synonyms, lower) && synonyms[lower] === wanted) return 1;
  const distance = toDistance(lower, wanted);
  return distance <= tolerance(wanted) ? distance : undefined;
}

/** Options whose name is nearly, or begins with, the one given; all without their dashes. */
export function suggestOptions(names: readonly string[], given: string): string[] {
  const lower = given.toLowerCase();
  const costs = names.map((name): [string, number] => {
    const isPart = lower.length >= minPrefix && (name.startsWith(lower) || lower.startsWith(`${name}-`));
    const distance = toDistance(lower, name);
    return [name, isPart ? Math.min(1, distance) : distance <= tolerance(name) ? distance : Infinity];
  });
  const best = Math.min(...costs.map(([, cost]) => cost));
  if (best === Infinity) return [];
  return costs
    .filter(([, cost]) => cost === best)
    .slice(0, maxSuggestions)
    .map(([name]) => name);
}

/** ` Did you mean a, b or c?`, or nothing. */
export function toQuestion(suggestions: readonly string[]): string {
  if (suggestions.length === 0) return '';
  const quoted = suggestions.map((each) => `\`${each}\``);
  const last = quoted.pop();
  return `. Did you mean ${quoted.length === 0 ? last : `${quoted.join(', ')} or ${last}`}?`;
}

const tolerance = ({ length }: string): number => (length < 6 ? 1 : 2);
