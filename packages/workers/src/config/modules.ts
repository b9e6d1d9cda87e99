// The keys about code: the entry module, how files are imported, and how they are bundled.
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { ModuleRule, Project } from '../project.ts';
import { memberKeys } from './keys.table.ts';
import { formatPath } from './position.ts';
import type { Report } from './report.ts';
import {
  memberSlot,
  readArray,
  readBoolean,
  readString,
  readStringMap,
  readStrings,
  readTable,
  readText,
  warnUnknown,
  type Slot,
} from './slot.ts';
import { describeValue } from './value.ts';

type Slots = (key: string) => Slot | undefined;

type BundleSettings = Pick<
  Project,
  'alias' | 'define' | 'jsxFactory' | 'jsxFragment' | 'minify' | 'keepNames' | 'noBundle' | 'rules' | 'build'
>;

export function readModules(slot: Slots, root: string, report: Report): BundleSettings {
  const noBundle = readBoolean(slot('no_bundle'), report) ?? false;
  const additional = slot('find_additional_modules');
  if (readBoolean(additional, report) === true && !noBundle && additional !== undefined) {
    const note = 'modules that are left beside a bundle';
    report.error(additional.path, 'unsupported_key', { key: formatPath(additional.path), note });
  }
  return {
    alias: readStringMap(slot('alias'), report),
    define: readStringMap(slot('define'), report),
    jsxFactory: readText(slot('jsx_factory'), report),
    jsxFragment: readText(slot('jsx_fragment'), report),
    minify: readBoolean(slot('minify'), report) ?? false,
    keepNames: readBoolean(slot('keep_names'), report) ?? true,
    noBundle,
    rules: readArray(slot('rules'), report).flatMap((rule) => readRule(rule, report)),
    build: readBuild(slot('build'), root, report),
  };
}

/** The absolute path of `main`; a custom build may yet have to write the file. */
export async function readMain(slot: Slots, root: string, report: Report): Promise<string | undefined> {
  const found = slot('main');
  if (found === undefined) {
    report.error([], 'main_missing', undefined);
    return undefined;
  }
  const text = readText(found, report);
  if (text === undefined) return undefined;
  const main = resolve(root, text);
  if (main.endsWith('.py')) {
    report.error(found.path, 'unsupported_key', { key: text, note: 'Workers written in Python' });
    return undefined;
  }
  const isBuilt = memberSlot(slot('build'), 'command') !== undefined;
  return isBuilt || (await requireFile(found, main, report)) ? main : undefined;
}

export async function readTsconfig(slot: Slots, root: string, report: Report): Promise<string | undefined> {
  const found = slot('tsconfig');
  const text = readText(found, report);
  if (text === undefined || found === undefined) return undefined;
  const file = resolve(root, text);
  return (await requireFile(found, file, report)) ? file : undefined;
}

async function requireFile(slot: Slot, file: string, report: Report): Promise<boolean> {
  const isFile = await stat(file).then(
    (stats) => stats.isFile(),
    () => false,
  );
  if (isFile) return true;
  report.error(slot.path, 'file_missing', { key: formatPath(slot.path), file });
  report.missing.push(file);
  return false;
}

const ruleTypes = ['ESModule', 'CommonJS', 'CompiledWasm', 'Text', 'Data'] as const;
const pythonTypes = new Set(['PythonModule', 'PythonRequirement']);

function readRule(slot: Slot, report: Report): ModuleRule[] {
  if (readTable(slot, report) === undefined) return [];
  warnUnknown(slot, memberKeys.rule, report);
  const typeSlot = requireMember(slot, 'type', report);
  const globs = readStrings(requireMember(slot, 'globs', report), report);
  const fallthrough = readBoolean(memberSlot(slot, 'fallthrough'), report) ?? false;
  const text = readString(typeSlot, report);
  const type = ruleTypes.find((known) => known === text);
  if (text === undefined || typeSlot === undefined) return [];
  if (type === undefined) {
    const key = formatPath(typeSlot.path);
    if (pythonTypes.has(text)) report.error(typeSlot.path, 'unsupported_key', { key: text, note: 'Python modules' });
    else {
      const expected = `one of ${ruleTypes.join(', ')}`;
      report.error(typeSlot.path, 'invalid_value', { key, found: describeValue(text), expected });
    }
    return [];
  }
  return [{ type, globs, fallthrough }];
}

/** The member `key`, which has to be there. */
export function requireMember(slot: Slot, key: string, report: Report): Slot | undefined {
  const member = memberSlot(slot, key);
  if (member === undefined) report.error(slot.path, 'missing_key', { key: formatPath([...slot.path, key]) });
  return member;
}

function readBuild(slot: Slot | undefined, root: string, report: Report): Project['build'] {
  readTable(slot, report);
  warnUnknown(slot, memberKeys.build, report);
  const command = readText(memberSlot(slot, 'command'), report);
  const cwd = resolve(root, readText(memberSlot(slot, 'cwd'), report) ?? '.');
  const watch = memberSlot(slot, 'watch_dir');
  const folders = Array.isArray(watch?.value) ? readStrings(watch, report) : [readText(watch, report) ?? './src'];
  return { command, cwd, watchDirs: command === undefined ? [] : folders.map((folder) => resolve(root, folder)) };
}
