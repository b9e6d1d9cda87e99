// `[[trust]]` of sallyport.toml: which authorities, and which client certificate, TLS to a destination uses.
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { rootCertificates } from 'node:tls';
import { toCanonicalHost } from '@sallyport/egress';
import type { FindTrust, TlsTrust } from '@sallyport/sockets/internal';
import {
  formatPath,
  memberSlot,
  readArray,
  type Report,
  readTable,
  readText,
  type Slot,
  warnUnknown,
} from '@sallyport/workers/config';

export interface TrustEntry {
  /** A host name, `*.name`, an address or `*`; lower case. */
  to: string;
  trust: TlsTrust;
}

export async function readTrust(slot: Slot | undefined, folder: string, report: Report): Promise<TrustEntry[]> {
  const entries = readArray(slot, report, 'an array of tables: [[trust]]').map(async (element) => {
    readTable(element, report);
    warnUnknown(element, ['to', 'ca', 'cert', 'key', 'system'], report);
    const read = async (key: string): Promise<string | undefined> => {
      const member = memberSlot(element, key);
      const name = readText(member, report);
      return name === undefined ? undefined : readPem(resolve(folder, name), member!, report);
    };
    const [ca, cert, key] = await Promise.all([read('ca'), read('cert'), read('key')]);
    const to = toPattern(readText(memberSlot(element, 'to'), report) ?? '*');
    // A private authority stands beside the system's unless the entry says otherwise.
    const system = memberSlot(element, 'system')?.value !== false;
    return {
      to,
      trust: {
        ...(ca === undefined ? {} : { ca: system ? [...rootCertificates, ca] : [ca] }),
        ...(cert === undefined ? {} : { cert }),
        ...(key === undefined ? {} : { key }),
      },
    };
  });
  return Promise.all(entries);
}

/** In canonical form, `*.` kept. */
function toPattern(written: string): string {
  const start = written.startsWith('*.') ? '*.' : '';
  const host = toCanonicalHost(written.slice(start.length));
  return 'problem' in host ? written.toLowerCase() : `${start}${host.text}`;
}

/** The first entry whose pattern matches decides. */
export function toFindTrust(entries: readonly TrustEntry[]): FindTrust {
  return ({ hostname }) => {
    // As egress and TLS understand it: another spelling of a name must not get other trust.
    const canonical = toCanonicalHost(hostname);
    const host = 'problem' in canonical ? hostname.toLowerCase() : canonical.text;
    return entries.find(({ to }) => to === '*' || to === host || (to.startsWith('*.') && host.endsWith(to.slice(1))))
      ?.trust;
  };
}

async function readPem(file: string, slot: Slot, report: Report): Promise<string | undefined> {
  const refuse = (problem: string): undefined => {
    report.error(slot.path, 'invalid_setting', {
      key: formatPath(slot.path),
      problem,
      remedy: 'Name a PEM file; the path starts at the folder of this configuration.',
    });
  };
  const text = await readFile(file, 'utf8').catch((error: Error) => error);
  if (text instanceof Error) return refuse(text.message);
  if (slot.path.at(-1) === 'key') return text;
  try {
    void new X509Certificate(text);
    return text;
  } catch {
    return refuse(`no PEM certificate in ${file}`);
  }
}
