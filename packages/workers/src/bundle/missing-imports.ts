// Where what a failed build did not find may appear: a file that is saved a moment later, a branch that is checked out, a
// package that is installed.
import { dirname, isAbsolute, join, resolve } from 'node:path';
import type { Message } from 'esbuild';
import { toUnresolved } from './diagnostics.ts';

const packages = 'node_modules';
const relativeImport = /^\.\.?(?:[\\/]|$)/;

/** The folder and every folder above it. */
function toAncestors(folder: string): string[] {
  const above = dirname(folder);
  return above === folder ? [folder] : [folder, ...toAncestors(above)];
}

/**
 * Paths to watch, as files or as folders whose entries count. `known` are the inputs of the last good build: a name that is
 * mapped (by `alias`, or `paths` of a tsconfig) mostly leads to where others already are.
 */
export function toMissingPaths(
  messages: readonly Message[],
  { root, known }: { root: string; known: readonly string[] },
): string[] {
  const paths = new Set<string>();
  for (const message of messages) {
    const specifier = toUnresolved(message);
    if (specifier === undefined) continue;
    const folder = message.location ? dirname(resolve(root, message.location.file)) : root;
    if (relativeImport.test(specifier) || isAbsolute(specifier)) {
      const target = resolve(folder, specifier);
      paths.add(target).add(dirname(target));
      continue;
    }
    // Its entries change when an installation begins, and again when it is complete.
    for (const ancestor of toAncestors(folder)) paths.add(join(ancestor, packages));
    for (const file of known) if (!file.includes(packages)) paths.add(dirname(file));
  }
  return [...paths];
}
