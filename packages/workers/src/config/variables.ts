// The variables of a Worker: `vars`, with the secrets of development over them.
import type { Json, Project } from '../project.ts';
import { readEnvFiles } from './env-files.ts';
import { localStringPrefixes } from './hyperdrive.ts';
import { memberKeys } from './keys.table.ts';
import type { Report } from './report.ts';
import { memberSlot, readJson, readStrings, readTable, warnUnknown, type Slot } from './slot.ts';

export interface VariableOptions {
  folder: string;
  environment: string | undefined;
  processEnv: Record<string, string | undefined>;
}

type Variables = Pick<Project, 'vars' | 'secretNames'> & {
  files: string[];
  /** Everything the files say, also what is no variable of the Worker. */
  values: Record<string, string>;
};

/** Once `secrets` is set, files may replace variables and supply the secrets it names, and nothing else. */
export async function readVariables(
  slots: { vars: Slot | undefined; secrets: Slot | undefined },
  options: VariableOptions,
  report: Report,
): Promise<Variables> {
  const vars = new Map<string, Json>();
  for (const name of Object.keys(readTable(slots.vars, report) ?? {})) {
    const slot = memberSlot(slots.vars, name);
    const value = slot === undefined ? undefined : readJson(slot, report);
    if (value !== undefined) vars.set(name, value);
  }
  readTable(slots.secrets, report);
  warnUnknown(slots.secrets, memberKeys.secrets, report);
  const requiredSlot = memberSlot(slots.secrets, 'required');
  const required = readStrings(requiredSlot, report);
  const declared = slots.secrets !== undefined;
  const { values, files } = await readEnvFiles({ ...options, declared }, report);
  const secretNames: string[] = [];
  for (const [name, value] of values ?? []) {
    // A database's password is for the edge, and never for the Worker.
    if (localStringPrefixes.some((prefix) => name.startsWith(prefix))) continue;
    if (declared && !vars.has(name) && !required.includes(name)) continue;
    vars.set(name, value);
    secretNames.push(name);
  }
  const missing = required.filter((name) => !vars.has(name));
  if (missing.length > 0) report.warning(requiredSlot?.path ?? [], 'missing_secrets', { names: missing });
  return { vars: Object.fromEntries(vars), secretNames, files, values: Object.fromEntries(values ?? []) };
}
