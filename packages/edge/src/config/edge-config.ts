// `sallyport.toml`: everything one edge is told. Relative paths start at the file's folder.
import { stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { definePolicy, type Policy, type PolicyEntry, toCanonicalHost, workerPolicy } from '@sallyport/egress';
import {
  formatPath,
  memberSlot,
  readArray,
  readConfigFile,
  readBoolean,
  readInteger,
  type Report,
  readStrings,
  readTable,
  readText,
  type Slot,
  warnUnknown,
} from '@sallyport/workers/config';
import { ConfigurationError } from '../host/configuration-error.ts';
import { type ListenAddress, readAddress } from './listen-address.ts';
import { readTrust, type TrustEntry } from './trust.ts';

export interface WorkerEntry {
  /** The folder or configuration file of a Worker project, absolute. */
  project: string;
  env: string | undefined;
  /** Host names it answers for, `*.name` for all below one. Empty: every host that nobody else answers for. */
  hostnames: string[];
  /** Name of the virtual network its connections go by; the default one otherwise. */
  network: string | undefined;
  policy: Policy;
}

export interface EdgeConfig {
  /** Absolute path of the file. */
  file: string;
  /** Absolute path of the state directory. */
  state: string;
  http: ListenAddress;
  tunnel: ListenAddress & {
    /** What tokens tell connectors to dial, `host:port`; undefined for the address it listens on. */
    advertise: string[] | undefined;
  };
  control: ListenAddress;
  /** Where metrics are read; undefined for nowhere. */
  metrics: ListenAddress | undefined;
  hyperdrive: {
    /** Bytes that the caches of all databases may take together; undefined for the default. */
    cacheBytes: number | undefined;
    /** Functions of databases are not looked into. */
    trustFunctions: boolean;
  };
  workers: WorkerEntry[];
  trust: TrustEntry[];
}

export const defaultListen = {
  http: { host: '127.0.0.1', port: 8080 },
  tunnel: { host: '127.0.0.1', port: 7844 },
  control: { host: '127.0.0.1', port: 7845 },
  metrics: { host: '127.0.0.1', port: 7846 },
} as const;

/** MiB; what more would be, is more likely a mistake. */
const cacheLimits = { min: 1, max: 65_536 } as const;

const keys = [
  'state',
  'http',
  'tunnel',
  'control',
  'metrics',
  'hyperdrive',
  'policy',
  'worker',
  'trust',
  'env',
] as const;

/**
 * Reads and checks the file; warnings come with the configuration.
 * @throws ConfigurationError
 */
export async function loadEdgeConfig(
  path: string,
): Promise<{ config: EdgeConfig; warnings: ConfigurationError['diagnostics'] }> {
  const file = resolve(path);
  const { root, report } = await readConfigFile(file);
  const config = root === undefined ? undefined : await readEdgeConfig({ value: root, path: [] }, file, report);
  const diagnostics = toStrict(report.diagnostics);
  if (config === undefined || diagnostics.some(({ severity }) => severity === 'error')) {
    throw new ConfigurationError(diagnostics);
  }
  return { config, warnings: diagnostics };
}

/** What the operator wrote and we would not do is no detail: a policy or a host name may be lost with it. */
function toStrict(diagnostics: ConfigurationError['diagnostics']): ConfigurationError['diagnostics'] {
  return diagnostics.map((each) =>
    each.code === 'unknown_key' ? { ...each, severity: 'error' as const, remedy: toKeyRemedy(each) } : each,
  );
}

/** A top-level key behind a table's header belongs to that table, in TOML. */
function toKeyRemedy({ message, remedy }: ConfigurationError['diagnostics'][number]): string {
  const misplaced = keys.find((key) =>
    new RegExp(`(?:http|tunnel|control|metrics|hyperdrive)\\.${key}\\b`).test(message),
  );
  if (misplaced === undefined) return remedy.replace('Remove it; it has no effect.', 'Remove or correct it.');
  return `Write ${misplaced} above the first [table] of the file; below a [table] a key belongs to that table.`;
}

/** Only the `[[trust]]` entries of the file; the rest is for an edge. @throws ConfigurationError */
export async function loadTrust(file: string): Promise<TrustEntry[]> {
  const { root, report } = await readConfigFile(file);
  const trust = root === undefined ? [] : readTrust({ value: root, path: [] }, file, report);
  if (report.diagnostics.length > 0) throw new ConfigurationError(toStrict(report.diagnostics));
  return trust;
}

async function readEdgeConfig(root: Slot, file: string, report: Report): Promise<EdgeConfig> {
  const folder = dirname(file);
  warnUnknown(root, keys, report);
  const state = readText(memberSlot(root, 'state'), report);
  const section = (
    name: 'http' | 'tunnel' | 'control' | 'metrics' | 'hyperdrive',
    known: string[],
  ): Slot | undefined => {
    const slot = memberSlot(root, name);
    readTable(slot, report);
    warnUnknown(slot, known, report);
    return slot;
  };
  const http = readAddress(memberSlot(section('http', ['address']), 'address'), defaultListen.http, report);
  const tunnelSlot = section('tunnel', ['address', 'advertise']);
  const tunnel = readAddress(memberSlot(tunnelSlot, 'address'), defaultListen.tunnel, report);
  const control = readAddress(memberSlot(section('control', ['address']), 'address'), defaultListen.control, report);
  const metrics = section('metrics', ['address']);
  const hyperdrive = section('hyperdrive', ['cache_mib', 'trust_functions']);
  const cache = readInteger(memberSlot(hyperdrive, 'cache_mib'), report, cacheLimits);
  const trustFunctions = readBoolean(memberSlot(hyperdrive, 'trust_functions'), report) ?? false;
  const shared = readPolicyEntries(memberSlot(root, 'policy'), report);
  const tables = readArray(memberSlot(root, 'worker'), report, 'an array of tables: [[worker]]');
  const workers = await Promise.all(tables.map((slot) => readWorker(slot, folder, shared, report)));
  checkHostnames(workers, root, report);
  return {
    file,
    state: state === undefined ? defaultStateDirectory() : resolve(folder, state),
    http,
    tunnel: { ...tunnel, advertise: readAdvertised(memberSlot(tunnelSlot, 'advertise'), tunnel, report) },
    control,
    metrics:
      metrics === undefined ? undefined : readAddress(memberSlot(metrics, 'address'), defaultListen.metrics, report),
    hyperdrive: { cacheBytes: cache === undefined ? undefined : cache * 1_048_576, trustFunctions },
    workers,
    trust: readTrust(root, file, report),
  };
}

/** Where an edge keeps its state unless told otherwise. */
export function defaultStateDirectory(): string {
  if (process.getuid?.() === 0) return '/var/lib/sallyport';
  return join(process.env['XDG_STATE_HOME'] ?? join(homedir(), '.local', 'state'), 'sallyport');
}

function readAdvertised(slot: Slot | undefined, { host, port }: ListenAddress, report: Report): string[] | undefined {
  const written = readStrings(slot, report);
  if (written.length > 0) return written;
  const wildcard = host === '0.0.0.0' || host === '::';
  if (wildcard && slot === undefined) {
    report.warning(['tunnel'], 'invalid_setting', {
      key: 'tunnel.advertise',
      problem: 'without it tokens tell connectors to dial 127.0.0.1',
      remedy: `Write the address that connectors reach this machine by: advertise = ["edge.example.com:${port}"].`,
    });
  }
  return undefined;
}

async function readWorker(
  slot: Slot,
  folder: string,
  shared: readonly PolicyEntry[],
  report: Report,
): Promise<WorkerEntry> {
  readTable(slot, report);
  warnUnknown(slot, ['project', 'env', 'hostnames', 'network', 'policy'], report);
  const place = memberSlot(slot, 'project');
  const project = resolve(folder, readText(place, report) ?? '.');
  const exists = place !== undefined && (await stat(project).catch(() => undefined)) !== undefined;
  if (!exists) {
    report.error((place ?? slot).path, 'invalid_setting', {
      key: formatPath((place ?? slot).path),
      problem: place === undefined ? 'it names no project' : `there is no ${project}`,
      remedy: 'Write project = "FOLDER", with the folder of a Worker project; the path starts at this file.',
    });
  }
  const own = readPolicyEntries(memberSlot(slot, 'policy'), report);
  return {
    project,
    env: readText(memberSlot(slot, 'env'), report),
    hostnames: readHostnames(memberSlot(slot, 'hostnames'), report),
    network: readText(memberSlot(slot, 'network'), report),
    policy: definePolicy([...own, ...shared, ...workerPolicy.entries]),
  };
}

/** In the one spelling that requests are compared in; what is no host name would never match, so it is refused. */
function readHostnames(slot: Slot | undefined, report: Report): string[] {
  return readArray(slot, report, 'an array of host names').flatMap((element) => {
    const text = readText(element, report);
    if (text === undefined) return [];
    if (text === '*') return [text];
    const [, star = '', name = ''] = /^(\*\.)?(.*)$/s.exec(text) ?? [];
    const host = toCanonicalHost(name);
    if (!('problem' in host)) return [`${star}${host.text}`];
    report.error(element.path, 'invalid_setting', {
      key: formatPath(element.path),
      problem: `${JSON.stringify(text)} ${host.problem}`,
      remedy:
        'Write a host name without scheme, port and path: "app.example.com", or "*.example.com" for all below one.',
    });
    return [];
  });
}

/** Entries that stand before the default policy; each wrong one is reported where it is and left out. */
function readPolicyEntries(slot: Slot | undefined, report: Report): PolicyEntry[] {
  return readArray(slot, report, 'an array of policy entries').flatMap((element) => {
    const entry = element.value as PolicyEntry;
    try {
      definePolicy([entry]);
      return [entry];
    } catch (error) {
      const { message, remedy } = error as Error & { remedy: string };
      const problem = message.replace(/^Policy entry 1 \(.*?\): /s, '');
      report.error(element.path, 'invalid_setting', { key: formatPath(element.path), problem, remedy });
      return [];
    }
  });
}

function checkHostnames(workers: readonly WorkerEntry[], root: Slot, report: Report): void {
  const seen = new Set<string>();
  for (const [index, { hostnames }] of workers.entries()) {
    for (const name of hostnames.length === 0 ? ['*'] : hostnames) {
      if (seen.has(name)) {
        report.error([...root.path, 'worker', index], 'invalid_setting', {
          key: `worker[${index}].hostnames`,
          problem: name === '*' ? 'two Workers without hostnames answer for every host' : `${name} is taken already`,
          remedy: 'Give each Worker its own hostnames = ["app.example.com"].',
        });
      }
      seen.add(name);
    }
  }
}
