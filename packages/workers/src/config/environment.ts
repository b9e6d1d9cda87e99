// The keys that are in effect once one environment is chosen: its own, those it takes over from the top level, and a
// word about those it does not [developers.cloudflare.com/workers/wrangler/configuration, inheritable keys].
import { configKeys, generatedKeys, type KeyRow } from './keys.table.ts';
import { formatPath } from './position.ts';
import type { Report } from './report.ts';
import { memberSlot, readTable, type Slot } from './slot.ts';
import { suggest } from './suggest.ts';
import { isEmpty, isTable, memberOf, type Table } from './value.ts';

/** The configuration in effect. */
export interface Settings {
  /** The selected environment. */
  environment: string | undefined;
  /** The name of the environment, to be appended to a name that was taken over from the top level. */
  suffix: string | undefined;
  /** The value of a key with the place it came from. */
  slot: (key: string) => Slot | undefined;
}

export interface EnvironmentOptions {
  /** The environment asked for. */
  env: string | undefined;
  /** True for a configuration that a build tool generated: it is for one environment already. */
  generated: boolean;
}

/** Chooses an environment and checks the keys in effect; undefined when there is no such environment. */
export function selectEnvironment(root: Table, options: EnvironmentOptions, report: Report): Settings | undefined {
  const top: Slot = { value: root, path: [] };
  const environments = readTable(memberSlot(top, 'env'), report) ?? {};
  warnUnknownKeys(top, options.generated ? [...Object.keys(configKeys), ...generatedKeys] : undefined, report);
  const choice = options.generated
    ? chooseGenerated(root, options.env, report)
    : chooseNamed(environments, options.env, report);
  if (choice === undefined) return undefined;
  const { name, own } = choice;
  if (name === undefined || own === undefined) {
    refuseUnsupported((key) => memberSlot(top, key), report);
    return { environment: name, suffix: undefined, slot: (key) => memberSlot(top, key) };
  }
  warnUnknownKeys(own, undefined, report);
  const slot = (key: string): Slot | undefined => {
    const inheritance = configKeys[key]?.inheritance;
    if (inheritance === 'top-level') return memberSlot(top, key);
    return memberSlot(own, key) ?? (inheritance === 'inherited' ? memberSlot(top, key) : undefined);
  };
  for (const [key, row] of Object.entries(configKeys)) warnInheritance(key, row, { name, own, top, report });
  refuseUnsupported(slot, report);
  const ownsName = memberSlot(own, 'name') !== undefined;
  return { environment: name, suffix: ownsName ? undefined : name, slot };
}

/** A choice of environment: neither member is set for the top level, only the name for a generated configuration. */
interface Choice {
  name: string | undefined;
  own: Slot | undefined;
}

function chooseNamed(environments: Table, name: string | undefined, report: Report): Choice | undefined {
  if (name === undefined) return { name: undefined, own: undefined };
  if (!Object.hasOwn(environments, name)) {
    report.error(['env'], 'unknown_environment', { name, known: Object.keys(environments) });
    return undefined;
  }
  const own: Slot = { value: environments[name], path: ['env', name] };
  if (!/^[\w.-]+$/.test(name)) {
    report.error(own.path, 'environment_name', { name });
    return undefined;
  }
  return readTable(own, report) === undefined ? undefined : { name, own };
}

function chooseGenerated(root: Table, asked: string | undefined, report: Report): Choice | undefined {
  if (!isEmpty(memberOf(root, 'env'))) {
    report.error(['env'], 'redirect_environments', undefined);
    return undefined;
  }
  const target = memberOf(root, 'targetEnvironment');
  const built = typeof target === 'string' && target !== '' ? target : undefined;
  if (asked !== undefined && built !== undefined && asked !== built) {
    report.error(['targetEnvironment'], 'redirect_environment', { asked, built });
    return undefined;
  }
  return { name: asked ?? built, own: undefined };
}

function warnUnknownKeys(slot: Slot, known: readonly string[] | undefined, report: Report): void {
  if (!isTable(slot.value)) return;
  const names = known ?? Object.keys(configKeys);
  for (const key of Object.keys(slot.value)) {
    if (names.includes(key)) continue;
    const path = [...slot.path, key];
    report.warning(path, 'unknown_key', { key: formatPath(path), suggestion: suggest(key, names) });
  }
}

function warnInheritance(
  key: string,
  { inheritance, handling }: KeyRow,
  { name, own, top, report }: { name: string; own: Slot; top: Slot; report: Report },
): void {
  const mine = memberSlot(own, key);
  const theirs = memberSlot(top, key);
  if (inheritance === 'top-level') {
    if (mine !== undefined) report.warning(mine.path, 'top_level_only', { key, environment: name });
    return;
  }
  if (inheritance === 'inherited' || handling === 'ignored' || theirs === undefined || isEmpty(theirs.value)) return;
  if (mine === undefined) {
    report.warning(theirs.path, 'not_inherited', { key, environment: name });
    return;
  }
  const ours = mine.value;
  if ((key !== 'vars' && key !== 'define') || !isTable(ours) || !isTable(theirs.value)) return;
  const names = Object.keys(theirs.value).filter((entry) => !Object.hasOwn(ours, entry));
  if (names.length > 0) report.warning(mine.path, 'entries_not_inherited', { key, environment: name, names });
}

function refuseUnsupported(slot: (key: string) => Slot | undefined, report: Report): void {
  for (const [key, { handling, note }] of Object.entries(configKeys)) {
    const found = handling === 'unsupported' ? slot(key) : undefined;
    if (found === undefined || isEmpty(found.value)) continue;
    report.error(found.path, 'unsupported_key', { key: formatPath(found.path), note });
  }
}
