// From a folder to a checked project: find the configuration, read it, choose the environment, check every key that has
// an effect, and put together what the rest of the package works from.
import { createRequire } from 'node:module';
import { dirname, resolve } from 'node:path';
import type { Diagnostic, Project } from '../project.ts';
import { defaultCompatibilityDate, newestCompatibilityDate } from './compatibility.ts';
import { readDurableObjects } from './durable-objects.ts';
import { selectEnvironment } from './environment.ts';
import { readCrons, readDev, readQueueConsumers } from './events.ts';
import { findConfig, isDiagnostic, type ConfigLocation } from './find-config.ts';
import { readMain, readModules, readTsconfig } from './modules.ts';
import { readConfigFile } from './read-config.ts';
import { readHyperdrive } from './hyperdrive.ts';
import type { Path } from './position.ts';
import type { Report } from './report.ts';
import { readCompatibility, readName } from './runtime-settings.ts';
import type { Table } from './value.ts';
import { readVariables } from './variables.ts';
import { readMtlsCertificates, readVpcNetworks, readVpcServices } from './vpc.ts';

export interface LoadProjectOptions {
  /** Where the search for a configuration starts. */
  cwd: string;
  /** The configuration file to use instead; relative to `cwd`. */
  config?: string | undefined;
  /** The environment to use; `CLOUDFLARE_ENV` otherwise, the top level when neither is set. */
  env?: string | undefined;
  /** The environment variables of the process. */
  processEnv?: Record<string, string | undefined> | undefined;
  now?: (() => Date) | undefined;
  /** Whether local connection strings count, as in development; then their files are looked at. Default: false. */
  usesLocal?: boolean | undefined;
}

export interface LoadedProject {
  /** Undefined when any diagnostic is an error. */
  project: Project | undefined;
  diagnostics: Diagnostic[];
  /** Absolute paths of files the configuration names that are not there: creating them may repair it. */
  missing: string[];
}

/**
 * Reads and checks the Worker project around `cwd`. Whatever is wrong with it is a diagnostic; it throws only when
 * Sallyport itself is at fault. Writes nothing and runs nothing.
 */
export async function loadProject(options: LoadProjectOptions): Promise<LoadedProject> {
  const location = await findConfig(options.cwd, { config: options.config });
  if (isDiagnostic(location)) return { project: undefined, diagnostics: [location], missing: [] };
  const { root, report } = await readConfigFile(location.file);
  const project = root === undefined ? undefined : await readProject(root, location, options, report);
  const { diagnostics, missing } = report;
  return { project: report.hasErrors ? undefined : project, diagnostics, missing };
}

async function readProject(
  table: Table,
  { file, redirect }: ConfigLocation,
  { env, processEnv = process.env, now = () => new Date(), usesLocal = false }: LoadProjectOptions,
  report: Report,
): Promise<Project | undefined> {
  const asked = env ?? processEnv['CLOUDFLARE_ENV'];
  const generated = redirect !== undefined;
  const settings = selectEnvironment(table, { env: asked === '' ? undefined : asked, generated }, report);
  if (settings === undefined) return undefined;
  const { slot, environment } = settings;
  const root = dirname(file);
  const name = readName(settings, report);
  const compatibility = readCompatibility(settings, { newest: newestDate(now()) }, report);
  const main = await readMain(slot, root, report);
  const tsconfig = await readTsconfig(slot, root, report);
  const modules = readModules(slot, root, report);
  const objects = readDurableObjects(
    { bindings: slot('durable_objects'), migrations: slot('migrations') },
    { name },
    report,
  );
  const folder = dirname(redirect?.userFile ?? file);
  const variables = await readVariables(
    { vars: slot('vars'), secrets: slot('secrets') },
    { folder, environment, processEnv },
    report,
  );
  const sources = [processEnv, variables.values];
  const hyperdrive = readHyperdrive(slot('hyperdrive'), { root: folder, sources, usesLocal }, report);
  const vpcServices = readVpcServices(slot('vpc_services'), report);
  const vpcNetworks = readVpcNetworks(slot('vpc_networks'), report);
  const certificates = readMtlsCertificates(slot('mtls_certificates'), report);
  const bound = [
    ...objects.map(({ binding, slot: { path } }) => ({ binding, what: 'Durable Object', path: [...path, 'name'] })),
    ...hyperdrive.map(({ binding, slot: { path } }) => ({ binding, what: 'database', path: [...path, 'binding'] })),
    ...vpcServices.map(({ binding, slot: { path } }) => ({ binding, what: 'service', path: [...path, 'binding'] })),
    ...vpcNetworks.map(({ binding, slot: { path } }) => ({ binding, what: 'network', path: [...path, 'binding'] })),
    ...certificates.map(({ binding, slot: { path } }) => ({
      binding,
      what: 'certificate',
      path: [...path, 'binding'],
    })),
  ];
  const { vars, secretNames } = withoutClashes(variables, bound, report);
  const crons = readCrons(slot('triggers'), report);
  const queueConsumers = readQueueConsumers(slot('queues'), report);
  const dev = readDev(slot('dev'), report);
  if (name === undefined || main === undefined) return undefined;
  const watched = [file, redirect?.file, redirect?.userFile, tsconfig, ...variables.files];
  return {
    name,
    configPath: file,
    root,
    environment,
    main,
    compatibilityDate: compatibility.date,
    compatibilityFlags: compatibility.flags,
    vars,
    secretNames,
    ...modules,
    tsconfig,
    crons,
    queueConsumers,
    durableObjects: objects.map(({ binding, className, sqlite }) => ({ binding, className, sqlite })),
    hyperdrive: hyperdrive.map(({ binding, id, local }) => ({ binding, id, local })),
    vpcServices: vpcServices.map(({ binding, serviceId, throws }) => ({ binding, serviceId, throws })),
    vpcNetworks: vpcNetworks.map(({ binding, network, throws }) => ({ binding, network, throws })),
    mtlsCertificates: certificates.map(({ binding, certificateId }) => ({ binding, certificateId })),
    dev,
    watchFiles: [...new Set(watched.filter((path) => path !== undefined))].map((path) => resolve(path)),
  };
}

/** A name that something is bound to, and where. */
interface Bound {
  binding: string;
  what: string;
  path: Path;
}

/** A name can be bound once: two in the file are an error, while a binding simply wins over a value of `.dev.vars`. */
function withoutClashes(
  { vars, secretNames }: Pick<Project, 'vars' | 'secretNames'>,
  bound: readonly Bound[],
  report: Report,
): Pick<Project, 'vars' | 'secretNames'> {
  const left = new Map(Object.entries(vars));
  const secrets = new Set(secretNames);
  const taken = new Map<string, string>();
  for (const { binding, what, path } of bound) {
    const other = left.has(binding) && !secrets.has(binding) ? 'variable' : taken.get(binding);
    if (other !== undefined) {
      const second = other === what ? `another ${what}` : `a ${what}`;
      report.error(path, 'duplicate_binding', { name: binding, first: `a ${other}`, second });
    }
    taken.set(binding, what);
    left.delete(binding);
    secrets.delete(binding);
  }
  return { vars: Object.fromEntries(left), secretNames: [...secrets] };
}

/** The newest date the installed workerd accepts, which is never later than today. */
function newestDate(now: Date): string {
  const manifest = createRequire(import.meta.url)('workerd/package.json') as { version: string };
  const known = newestCompatibilityDate(manifest.version) ?? defaultCompatibilityDate;
  const today = now.toISOString().slice(0, 10);
  return known < today ? known : today;
}
