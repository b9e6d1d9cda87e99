// Finds the configuration of the project a folder belongs to, the way wrangler does.
import { realpath, stat } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import type { Diagnostic } from '../project.ts';
import { parseConfigText, type TextFormat } from './parse-text.ts';
import { readTextFile } from './read-text.ts';
import { toDiagnostic } from './report.ts';
import { isTable, memberOf } from './value.ts';

/** In the order in which they are preferred, wherever above the folder each of them is. */
export const configNames = ['wrangler.json', 'wrangler.jsonc', 'wrangler.toml'] as const;

/** Left by build tools: says which configuration to use instead of the one in the project. */
const redirectPath = join('.wrangler', 'deploy', 'config.json');

export interface ConfigLocation {
  /** Absolute path of the configuration to read. */
  file: string;
  /** The redirect that led to it, and the configuration of the user it stands in for. */
  redirect: { file: string; userFile: string | undefined } | undefined;
}

/** Looks upward from `cwd`, or takes `config`. The answer is a place or the reason there is none. */
export async function findConfig(
  cwd: string,
  { config }: { config?: string | undefined },
): Promise<ConfigLocation | Diagnostic> {
  if (config !== undefined) return { file: resolve(cwd, config), redirect: undefined };
  let userFile: string | undefined;
  for (const name of configNames) userFile ??= await findUpward(cwd, name);
  const redirect = await findUpward(cwd, redirectPath);
  if (redirect !== undefined) return followRedirect(redirect, userFile);
  if (userFile !== undefined) return { file: userFile, redirect: undefined };
  const looked = configNames.join(', ');
  return toDiagnostic('config_not_found', { looked, from: resolve(cwd) }, { file: resolve(cwd, 'wrangler.jsonc') });
}

export function isDiagnostic(found: ConfigLocation | Diagnostic): found is Diagnostic {
  return 'severity' in found;
}

/** The format a file name promises. */
export function formatOf(file: string): TextFormat | undefined {
  const extension = extname(basename(file)).toLowerCase();
  if (extension === '.toml') return 'toml';
  return extension === '.json' || extension === '.jsonc' ? 'jsonc' : undefined;
}

async function findUpward(cwd: string, name: string): Promise<string | undefined> {
  for (let folder = resolve(cwd), last = ''; folder !== last; last = folder, folder = dirname(folder)) {
    if (await mayBeFile(join(folder, name))) return join(folder, name);
  }
  return undefined;
}

/** False for what is absent or a folder; a file that cannot be looked at is found, so that reading it says why. */
async function mayBeFile(path: string): Promise<boolean> {
  try {
    return !(await stat(path)).isDirectory();
  } catch (error) {
    return ['EACCES', 'ELOOP'].includes(String((error as NodeJS.ErrnoException).code));
  }
}

async function followRedirect(file: string, userFile: string | undefined): Promise<ConfigLocation | Diagnostic> {
  const content = await readTextFile(file);
  const value = content.kind === 'text' ? parseConfigText(content.text, 'jsonc').value : undefined;
  const configPath = isTable(value) ? memberOf(value, 'configPath') : undefined;
  if (typeof configPath !== 'string' || configPath === '') {
    return toDiagnostic('redirect_invalid', { file }, { file });
  }
  const target = resolve(dirname(file), configPath);
  if (!(await mayBeFile(target))) return toDiagnostic('redirect_missing', { file, target }, { file });
  if ((await toReal(target)) === (await toReal(file))) return toDiagnostic('redirect_cycle', { file }, { file });
  if (userFile !== undefined && join(dirname(userFile), redirectPath) !== file) {
    return toDiagnostic('redirect_ambiguous', { file, user: userFile }, { file });
  }
  return { file: target, redirect: { file, userFile } };
}

function toReal(path: string): Promise<string> {
  return realpath(path).catch(() => path);
}
