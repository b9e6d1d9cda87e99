// Secrets for development, from the files wrangler reads: the first of `.dev.vars.<env>` and `.dev.vars`; only when there
// is neither, `.env`, `.env.local`, `.env.<env>` and `.env.<env>.local`, where later ones win and `${NAME}` is expanded.
//
// dotenv is what wrangler parses them with. Node's own `parseEnv` sorts the names, but a value may only refer to those
// above it.
import { join } from 'node:path';
import dotenv from 'dotenv';
import { ExpansionTooLarge, expandEnv, maxExpandedLength } from './expand-env.ts';
import { readTextFile } from './read-text.ts';
import { toDiagnostic, type Report } from './report.ts';

export interface EnvFileOptions {
  /** The folder of the user's configuration. */
  folder: string;
  environment: string | undefined;
  processEnv: Record<string, string | undefined>;
  /** True when `secrets` names what may be read: the process environment is then always a source. */
  declared: boolean;
}

export interface EnvFiles {
  /** Undefined when there is no source at all. */
  values: Map<string, string> | undefined;
  /** Every file that was looked for: creating one changes the project too. */
  files: string[];
}

export async function readEnvFiles(options: EnvFileOptions, report: Report): Promise<EnvFiles> {
  const { folder, environment, processEnv } = options;
  const suffixes = environment === undefined ? [''] : ['', `.${environment}`];
  const devVars = suffixes.toReversed().map((suffix) => join(folder, `.dev.vars${suffix}`));
  const dotEnv = suffixes.flatMap((suffix) => [join(folder, `.env${suffix}`), join(folder, `.env${suffix}.local`)]);
  const files = [...devVars, ...dotEnv];
  for (const file of devVars) {
    const values = await readEnvFile(file, report);
    if (values !== undefined) return { values: new Map(Object.entries(values)), files };
  }
  if (!readToggle('CLOUDFLARE_LOAD_DEV_VARS_FROM_DOT_ENV', true, processEnv, { folder, report })) {
    return { values: undefined, files };
  }
  const included = readToggle('CLOUDFLARE_INCLUDE_PROCESS_ENV', false, processEnv, { folder, report });
  const parsed: Record<string, string> = {};
  for (const file of dotEnv) Object.assign(parsed, await readEnvFile(file, report));
  const outer = new Map<string, string>();
  if (options.declared || included) {
    for (const [name, value] of Object.entries(processEnv)) if (value !== undefined) outer.set(name, value);
  }
  try {
    return { values: expandEnv(new Map(Object.entries(parsed)), outer), files };
  } catch (error) {
    if (!(error instanceof ExpansionTooLarge)) throw error;
    const problem = `its values expand to more than ${maxExpandedLength} characters`;
    report.add(toDiagnostic('env_file_invalid', { file: dotEnv[0]!, problem }, { file: dotEnv[0]! }));
    return { values: undefined, files };
  }
}

async function readEnvFile(file: string, report: Report): Promise<Record<string, string> | undefined> {
  const content = await readTextFile(file);
  // A folder called `.env` is a Python environment, not a mistake.
  if (content.kind === 'missing' || content.kind === 'folder') return undefined;
  if (content.kind === 'text') return dotenv.parse(content.text);
  const problems = { 'too-large': 'it is too large', 'not-text': 'it is not UTF-8 text' };
  const problem = content.kind === 'unreadable' ? content.reason : problems[content.kind];
  report.add(toDiagnostic('env_file_invalid', { file, problem }, { file }));
  return undefined;
}

function readToggle(
  name: string,
  otherwise: boolean,
  processEnv: Record<string, string | undefined>,
  { folder, report }: { folder: string; report: Report },
): boolean {
  const text = processEnv[name]?.toLowerCase();
  if (text === undefined) return otherwise;
  if (text === 'true' || text === 'false') return text === 'true';
  report.add(toDiagnostic('env_toggle', { name, found: text }, { file: join(folder, '.env') }));
  return otherwise;
}
