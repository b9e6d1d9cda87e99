// Writes a new resource into a project's configuration, or the id of one that has none yet, and changes nothing else in it.
//
// JSON is edited where it stands, so comments and order stay; to TOML a table is appended. Either way the result is read
// again and must be what was there plus the entry, else nothing is written.
import { isDeepStrictEqual } from 'node:util';
import { realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { applyEdits, modify } from 'jsonc-parser';
import { findConfig, formatOf, isDiagnostic } from './find-config.ts';
import { parseConfigText, type TextFormat } from './parse-text.ts';
import { readTextFile } from './read-text.ts';
import { isTable } from './value.ts';

export interface NewResource {
  /** The configuration's key, such as `hyperdrive`: a list of tables. */
  key: string;
  entry: Readonly<Record<string, string>>;
  /** The named environment it belongs to; the top level when left out. */
  env?: string | undefined;
}

/** The lines to put into a configuration of that format. */
export function toResourceText({ key, entry, env }: NewResource, format: TextFormat): string {
  if (format === 'toml') {
    const table = env === undefined ? key : `env.${toTomlKey(env)}.${key}`;
    const lines = Object.entries(entry).map(([name, value]) => `${name} = ${JSON.stringify(value)}\n`);
    return `[[${table}]]\n${lines.join('')}`;
  }
  const list = { [key]: [entry] };
  const value = env === undefined ? list : { env: { [env]: list } };
  return `${JSON.stringify(value, null, 2).split('\n').slice(1, -1).join('\n').replace(/^ {2}/gm, '')}\n`;
}

/** The configuration of the project that a folder belongs to, as a person edits it; undefined when there is none. */
export async function findEditableConfig(
  cwd: string,
  options: { config?: string | undefined } = {},
): Promise<{ file: string; format: TextFormat } | undefined> {
  const found = await findConfig(cwd, options);
  if (isDiagnostic(found)) return undefined;
  const file = found.redirect === undefined ? found.file : found.redirect.userFile;
  const format = file === undefined ? undefined : formatOf(file);
  return file === undefined || format === undefined ? undefined : { file, format };
}

/** What a binding leads to already; undefined when there is no such binding, or none with an id. */
export async function findBoundId(file: string, resource: NewResource): Promise<string | undefined> {
  const format = formatOf(file);
  const read = await readTextFile(file);
  if (format === undefined || read.kind !== 'text') return undefined;
  const { value } = parseConfigText(read.text, format);
  return idOf(listOf(value, resource)?.[indexOf(value, resource)], resource);
}

/** Undefined when it is written, else why it is not; then the file is as it was. */
export async function addResource(file: string, resource: NewResource): Promise<string | undefined> {
  const format = formatOf(file);
  if (format === undefined) return `${file} is neither JSON nor TOML`;
  const read = await readTextFile(file);
  if (read.kind !== 'text') return `${file} cannot be read`;
  const { text } = read;
  const before = parseConfigText(text, format);
  if (before.problems.length > 0 || !isTable(before.value)) return `${file} has errors`;
  const index = indexOf(before.value, resource);
  const entry = listOf(before.value, resource)?.[index];
  const isTaken = index !== -1 && (format === 'toml' || idOf(entry, resource) !== undefined);
  if (isTaken) return `${file} has a binding ${resource.entry['binding']} already`;
  const changed = format === 'toml' ? appendToml(text, resource) : editJson(text, resource);
  const after = parseConfigText(changed, format);
  if (after.problems.length > 0 || !isWhatWasPlus(resource, before.value, after.value)) {
    return `${file} is written in a way that this command cannot add to`;
  }
  return replaceFile(file, changed);
}

function appendToml(text: string, resource: NewResource): string {
  const newline = text.includes('\r\n') ? '\r\n' : '\n';
  const between = text === '' || text.endsWith('\n') ? newline : newline + newline;
  return `${text}${between}${toResourceText(resource, 'toml').replaceAll('\n', newline)}`;
}

function editJson(text: string, { key, entry, env }: NewResource): string {
  const indent = /^([ \t]+)\S/m.exec(text)?.[1] ?? '  ';
  const formattingOptions = {
    insertSpaces: !indent.startsWith('\t'),
    tabSize: indent.startsWith('\t') ? 1 : indent.length,
    eol: text.includes('\r\n') ? '\r\n' : '\n',
  };
  const parent = env === undefined ? [] : ['env', env];
  const { value } = parseConfigText(text, 'jsonc');
  const hasList = listOf(value, { key, entry, env }) !== undefined;
  const index = indexOf(value, { key, entry, env });
  if (index !== -1) {
    const idKey = idKeyOf({ key, entry });
    return applyEdits(text, modify(text, [...parent, key, index, idKey], entry[idKey], { formattingOptions }));
  }
  const path = [...parent, key, ...(hasList ? [-1] : [])];
  return applyEdits(
    text,
    modify(text, path, hasList ? entry : [entry], { formattingOptions, isArrayInsertion: hasList }),
  );
}

/** Where the entry's binding is in the list already: one that was written before there was an id. */
function indexOf(value: unknown, resource: NewResource): number {
  const list = listOf(value, resource) ?? [];
  return list.findIndex((each) => isTable(each) && each['binding'] === resource.entry['binding']);
}

function idOf(entry: unknown, resource: NewResource): string | undefined {
  const id = isTable(entry) ? entry[idKeyOf(resource)] : undefined;
  return id === undefined || id === '' ? undefined : String(id);
}

/** Beside the binding an entry has one thing. */
function idKeyOf({ entry }: NewResource): string {
  return Object.keys(entry).find((name) => name !== 'binding') ?? 'id';
}

/** The list that the entry goes into, as it is now. */
function listOf(value: unknown, { key, env }: NewResource): unknown[] | undefined {
  let place = value as Record<string, unknown> | undefined;
  if (env !== undefined) place = (place?.['env'] as Record<string, Record<string, unknown>> | undefined)?.[env];
  const list = place?.[key];
  return Array.isArray(list) ? list : undefined;
}

function isWhatWasPlus(resource: NewResource, before: unknown, after: unknown): boolean {
  const expected = structuredClone(before) as Record<string, unknown>;
  const { key, entry, env } = resource;
  let place = expected;
  if (env !== undefined) {
    const envs = (expected['env'] ??= {}) as Record<string, Record<string, unknown>>;
    place = envs[env] ??= {};
  }
  if (place[key] !== undefined && !Array.isArray(place[key])) return false;
  const list = [...(listOf(before, resource) ?? [])];
  const index = indexOf(before, resource);
  if (index === -1) list.push(entry);
  else list[index] = { ...(list[index] as object), ...entry };
  place[key] = list;
  return isDeepStrictEqual(plain(expected), plain(after));
}

/** Without prototypes, in which parsers differ. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

/** All of it or nothing. */
async function replaceFile(file: string, text: string): Promise<string | undefined> {
  const draft = `${file}.${process.pid}.tmp`;
  try {
    const target = await realpath(file);
    const { mode } = await stat(target);
    await writeFile(draft, text, { mode, flag: 'wx' });
    await rename(draft, target);
    return undefined;
  } catch (error) {
    await rm(draft, { force: true });
    return `${file} cannot be written: ${(error as Error).message}`;
  }
}

function toTomlKey(name: string): string {
  return /^[\w-]+$/.test(name) ? name : JSON.stringify(name);
}
