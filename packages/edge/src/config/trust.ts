// `[[trust]]` of sallyport.toml: which authorities, and which client certificate, TLS to a destination uses; of one
// environment below `[env.NAME]`. Files are looked into here, so that what is wrong with them is told with its line.
import { basename, resolve } from 'node:path';
import { type DestinationPattern, EgressError, parsePattern, type PolicyEntry } from '@sallyport/egress';
import {
  formatPath,
  memberSlot,
  readArray,
  readBoolean,
  type Report,
  readTable,
  readText,
  type Slot,
  warnUnknown,
} from '@sallyport/workers/config';
import { watchAuthorities, watchIdentity } from '../tls/pem-files.ts';

export interface TrustEntry {
  pattern: DestinationPattern;
  /** The only environment it is for; undefined for all. */
  environment: string | undefined;
  /** Absolute path of a PEM file, or the id of a certificate in the control store. */
  ca: { file: string } | { id: string } | undefined;
  identity: { file: string; key: string } | { id: string } | undefined;
  /** Whether the system's authorities are trusted too. */
  system: boolean;
  /** `sallyport.toml:12` */
  place: string;
}

const entryKeys = ['to', 'ports', 'ca', 'ca_certificate_id', 'cert', 'key', 'mtls_certificate_id', 'system'] as const;

/** `file` is the configuration's own path. */
export function readTrust(root: Slot, file: string, report: Report): TrustEntry[] {
  const folder = resolve(file, '..');
  const shared = readEntries(memberSlot(root, 'trust'), undefined, { file, folder }, report);
  const environments = memberSlot(root, 'env');
  const own = Object.keys(readTable(environments, report) ?? {}).flatMap((name) => {
    const slot = memberSlot(environments, name);
    if (readTable(slot, report) === undefined) return [];
    warnUnknown(slot, ['trust'], report);
    return readEntries(memberSlot(slot, 'trust'), name, { file, folder }, report);
  });
  return [...shared, ...own];
}

interface Place {
  file: string;
  folder: string;
}

function readEntries(
  slot: Slot | undefined,
  environment: string | undefined,
  place: Place,
  report: Report,
): TrustEntry[] {
  const seen = new Map<string, string>();
  return readArray(slot, report, 'an array of tables: [[trust]]').flatMap((element) => {
    const entry = readEntry(element, environment, place, report);
    if (entry === undefined) return [];
    const { text } = entry.pattern;
    const other = seen.get(text);
    if (other !== undefined) {
      return refuse(
        element,
        report,
        `${text} has an entry already, at ${other}`,
        'Put both into one: one entry decides.',
      );
    }
    seen.set(text, entry.place);
    return [entry];
  });
}

function readEntry(
  element: Slot,
  environment: string | undefined,
  { file, folder }: Place,
  report: Report,
): TrustEntry | undefined {
  if (readTable(element, report) === undefined) return undefined;
  warnUnknown(element, entryKeys, report);
  const pattern = readPattern(element, report);
  const text = (key: string): string | undefined => readText(memberSlot(element, key), report);
  const path = (key: string): string | undefined => {
    const name = text(key);
    return name === undefined ? undefined : resolve(folder, name);
  };
  const either = (one: string, other: string): boolean => {
    const slot = memberSlot(element, other);
    if (slot === undefined || memberSlot(element, one) === undefined) return true;
    refuse(slot, report, `${one} stands beside it`, `Write one of ${one} and ${other}.`);
    return false;
  };
  const isClear = [either('ca', 'ca_certificate_id'), either('cert', 'mtls_certificate_id')].every(Boolean);
  const [ca, cert, caId, certId] = [path('ca'), path('cert'), text('ca_certificate_id'), text('mtls_certificate_id')];
  const keySlot = memberSlot(element, 'key');
  if (keySlot !== undefined && cert === undefined) {
    refuse(keySlot, report, 'there is no cert that it belongs to', 'Write cert = "FILE" beside it.');
  }
  const system = readBoolean(memberSlot(element, 'system'), report) ?? true;
  if (!system && ca === undefined && caId === undefined) {
    refuse(memberSlot(element, 'system')!, report, 'nobody would be trusted', 'Name an authority with ca = "FILE".');
  }
  if (pattern === undefined || !isClear) return undefined;
  const key = path('key') ?? cert;
  checkFile(memberSlot(element, 'ca'), ca && watchAuthorities(ca, silent), report);
  checkFile(memberSlot(element, 'cert'), cert && watchIdentity(cert, key!, silent), report);
  const line = report.lineOf(element.path);
  return {
    pattern,
    environment,
    ca: ca === undefined ? (caId === undefined ? undefined : { id: caId.toLowerCase() }) : { file: ca },
    identity:
      cert === undefined
        ? certId === undefined
          ? undefined
          : { id: certId.toLowerCase() }
        : { file: cert, key: key! },
    system,
    place: line === undefined ? basename(file) : `${basename(file)}:${line}`,
  };
}

function readPattern(element: Slot, report: Report): DestinationPattern | undefined {
  const to = readText(memberSlot(element, 'to'), report) ?? '*';
  const ports = memberSlot(element, 'ports')?.value as PolicyEntry['ports'];
  try {
    return parsePattern({ to, ...(ports === undefined ? {} : { ports }) });
  } catch (error) {
    if (!(error instanceof EgressError)) throw error;
    const problem = error.message.replace(/^Policy entry 1 \(.*?\): /s, '').replaceAll('"to" ', '');
    const slot = memberSlot(element, problem.includes('port') ? 'ports' : 'to') ?? element;
    const remedy =
      'Write an address, a CIDR, a host name, "*." and a host name, a named set or "*"; ports = [443, "8000-8999"].';
    refuse(slot, report, problem, remedy);
    return undefined;
  }
}

const silent = { changed: () => {}, kept: () => {} };

function checkFile(slot: Slot | undefined, material: { current(): unknown } | '' | undefined, report: Report): void {
  if (slot === undefined || !material) return;
  try {
    material.current();
  } catch (error) {
    const remedy = 'Name a PEM file that Sallyport may read; the path starts at the folder of this configuration.';
    refuse(slot, report, (error as Error).message, remedy);
  }
}

function refuse(slot: Slot, report: Report, problem: string, remedy: string): [] {
  report.error(slot.path, 'invalid_setting', { key: formatPath(slot.path), problem, remedy });
  return [];
}
