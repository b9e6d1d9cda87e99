// Which files are modules of their own instead of being bundled: the user's rules, then wrangler's defaults.
import type { ModuleRule } from '../project.ts';
import type { ModuleType } from './bundle.ts';
import { fromGlobs } from './globs.ts';

const defaults: readonly ModuleRule[] = [
  { type: 'Text', globs: ['**/*.txt', '**/*.html', '**/*.sql'], fallthrough: false },
  { type: 'Data', globs: ['**/*.bin'], fallthrough: false },
  { type: 'CompiledWasm', globs: ['**/*.wasm', '**/*.wasm?module'], fallthrough: false },
];

const types: Record<ModuleRule['type'], ModuleType> = {
  ESModule: 'esModule',
  CommonJS: 'commonJs',
  CompiledWasm: 'wasm',
  Text: 'text',
  Data: 'data',
};

/** A rule ready to be matched against an import specifier or a relative path. */
export interface Matcher {
  type: ModuleType;
  pattern: RegExp;
}

/** The rules in force: without `fallthrough`, a rule ends the search among later rules of its type. */
export function toMatchers(rules: readonly ModuleRule[]): Matcher[] {
  const ended = new Set<ModuleRule['type']>();
  const matchers: Matcher[] = [];
  for (const { type, globs, fallthrough } of [...rules, ...defaults]) {
    if (ended.has(type)) continue;
    matchers.push({ type: types[type], pattern: fromGlobs(globs) });
    if (!fallthrough) ended.add(type);
  }
  return matchers;
}
