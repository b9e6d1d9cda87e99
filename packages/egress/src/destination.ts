// A destination in canonical form: the one spelling under which it is judged, resolved and dialled.
//
// The WHATWG host parser does the reading, because it knows every legacy spelling the system's own functions accept
// (`127.1`, `0x7f000001`, `0177.0.0.1`, full-width digits, ideographic dots, IDN), which `net.isIP` does not. What it
// would silently drop or decode (tabs, percent escapes, user names, paths) is refused before it sees the text.
import { describe } from './describe.ts';
import { EgressError, toFailure } from './errors.ts';
import { parseIp, toHostPort } from './ip.ts';

/** Where a caller wants to go, as the caller wrote it. IPv6 with or without brackets. */
export interface EgressTarget {
  hostname: string;
  port: number;
}

export interface Destination {
  kind: 'address' | 'name';
  /** A lower-case ASCII name without trailing dot, or the canonical text of an IP address without brackets. */
  host: string;
  port: number;
  /** The hostname as it was written. */
  original: string;
}

/** Longest hostname looked at, in characters, as in the reference runtime. */
export const maxHostnameLength = 255;

/** Longest name and label in ASCII form [RFC 1035 2.3.4]. */
const maxNameLength = 253;
const maxLabelLength = 63;

/**
 * Reads a target into its canonical form.
 * @throws EgressError `invalid_destination`, whose `detail` says what is wrong with it.
 */
export function parseDestination(target: EgressTarget): Destination {
  const { hostname, port } = target;
  if (typeof hostname !== 'string') throw invalid(port, `The hostname is ${describe(hostname)}, not a string`);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw invalid(port, `The port ${describe(port)} is not a whole number from 1 to 65535`);
  }
  const host = toCanonicalHost(hostname);
  if ('problem' in host) throw invalid(port, `The hostname ${describe(hostname)} ${host.problem}`);
  return { kind: host.kind, host: host.text, port, original: hostname };
}

export type CanonicalHost = { kind: 'address' | 'name'; text: string } | { problem: string };

/** The canonical form of a hostname alone, or what is wrong with it. */
export function toCanonicalHost(hostname: string): CanonicalHost {
  if (hostname === '') return { problem: 'is empty' };
  if (hostname.length > maxHostnameLength) return { problem: `is longer than ${maxHostnameLength} characters` };
  if (hostname.includes('%')) return { problem: 'holds a "%": zone ids and percent escapes are refused' };
  // eslint-disable-next-line no-control-regex -- control characters are what is being refused
  if (/[\u0000-\u0020\u007f/\\?#@]/.test(hostname)) return { problem: 'holds a character that no hostname has' };

  const bracketed = hostname.includes(':') && !hostname.startsWith('[') ? `[${hostname}]` : hostname;
  const url = `http://${bracketed}/`;
  if (!URL.canParse(url)) return { problem: 'is neither a host name nor an IP address' };
  const parsed = new URL(url).hostname;

  const ip = parseIp(parsed.startsWith('[') ? parsed.slice(1, -1) : parsed);
  return ip === undefined ? toCanonicalName(parsed) : { kind: 'address', text: ip.text };
}

function toCanonicalName(parsed: string): CanonicalHost {
  const name = parsed.endsWith('.') ? parsed.slice(0, -1) : parsed;
  if (name.length > maxNameLength) return { problem: `is longer than ${maxNameLength} characters in ASCII form` };
  for (const label of name.split('.')) {
    if (label === '') return { problem: 'has an empty label' };
    if (label.length > maxLabelLength) return { problem: `has a label longer than ${maxLabelLength} characters` };
    if (!/^[a-z0-9_-]+$/.test(label)) return { problem: 'holds a character that no hostname has' };
  }
  return { kind: 'name', text: name };
}

/** `host:port` of a destination in canonical form. */
export function toDestinationText({ host, port }: Destination): string {
  return toHostPort(host, port);
}

function invalid(port: unknown, detail: string): EgressError {
  return new EgressError(
    toFailure('invalid_destination', { port: typeof port === 'number' ? port : undefined, detail }),
  );
}
