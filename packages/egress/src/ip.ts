// One IP address in its one canonical form, and the IPv4 addresses it may carry.
//
// An IPv6 address can be a wrapping for an IPv4 address that a translator or tunnel unwraps far from here, so a policy
// that looks only at the outside can be walked around. A mapped address (::ffff:0:0/96) is the same socket as its IPv4
// address, so it becomes that address; every other wrapping is kept and lists what it carries, to be judged as well.
import { isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';

export interface Ip {
  /** Dotted IPv4, or IPv6 as in RFC 5952; no brackets, no zone. */
  readonly text: string;
  readonly value: ipaddr.IPv4 | ipaddr.IPv6;
  /** IPv4 addresses inside this one. */
  readonly carried: readonly Ip[];
}

type Octets = readonly [number, number, number, number];

/** Reads an address in strict notation: four decimal octets, or IPv6 without brackets and zone. */
export function parseIp(text: string): Ip | undefined {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return fromIpv4(ipaddr.IPv4.parse(text));
  if (text.includes('%') || !isIPv6(text)) return undefined;
  // ipaddr.js takes ::127.0.0.1 for ::ffff:127.0.0.1, which is another address; in hexadecimal it cannot.
  const value = ipaddr.IPv6.parse(text.includes('.') ? new URL(`http://[${text}]/`).hostname.slice(1, -1) : text);
  if (value.isIPv4MappedAddress()) return fromIpv4(value.toIPv4Address());
  return { text: value.toRFC5952String(), value, carried: carriedBy(value.toByteArray()).map(fromOctets) };
}

function fromIpv4(value: ipaddr.IPv4): Ip {
  return { text: value.toString(), value, carried: [] };
}

function fromOctets(octets: Octets): Ip {
  return fromIpv4(new ipaddr.IPv4([...octets]));
}

const zeros = (count: number): number[] => Array<number>(count).fill(0);

/** The IPv4 addresses that the sixteen bytes of an IPv6 address may be unwrapped to. */
function carriedBy(bytes: readonly number[]): Octets[] {
  const at = (...places: readonly [number, number, number, number]): Octets =>
    places.map((place) => bytes[place] ?? 0) as unknown as Octets;
  const startsWith = (...head: readonly number[]): boolean => head.every((byte, index) => bytes[index] === byte);
  const low = at(12, 13, 14, 15);

  if (startsWith(...zeros(15)) && (bytes[15] ?? 0) <= 1) return []; // :: and ::1 are nobody's wrapping
  if (startsWith(...zeros(12))) return [low]; // IPv4-compatible [RFC 4291 2.5.5.1]
  if (startsWith(...zeros(8), 0xff, 0xff, 0, 0)) return [low]; // IPv4-translated [RFC 2765 2.1]
  if (startsWith(0x00, 0x64, 0xff, 0x9b, ...zeros(8))) return [low]; // NAT64 [RFC 6052 2.1]
  if (startsWith(0x00, 0x64, 0xff, 0x9b, 0x00, 0x01)) {
    // Local NAT64 [RFC 8215]: the site chooses the prefix length, so each place of RFC 6052 2.2 is possible. No real
    // address starts with 0, which is what the wrong places mostly read.
    const places = [at(6, 7, 9, 10), at(7, 9, 10, 11), at(9, 10, 11, 12), low];
    const plausible = places.filter(([first]) => first !== 0);
    return plausible.length > 0 ? plausible : [low];
  }
  if (startsWith(0x20, 0x02)) return [at(2, 3, 4, 5)]; // 6to4 [RFC 3056 2]
  if (startsWith(0x20, 0x01, 0, 0)) {
    const client = low.map((byte) => byte ^ 0xff) as unknown as Octets;
    return [client, at(4, 5, 6, 7)]; // Teredo: client and server [RFC 4380 4]
  }
  const isatap = (bytes[8] === 0 || bytes[8] === 2) && bytes[9] === 0 && bytes[10] === 0x5e && bytes[11] === 0xfe;
  return isatap ? [low] : []; // [RFC 5214 6.1]
}

/** The address itself and what it carries: all that a rule has to be asked about. */
export function formsOf(ip: Ip): readonly Ip[] {
  return ip.carried.length === 0 ? [ip] : [ip, ...ip.carried];
}

/** `ip:port`, with brackets around IPv6. */
export function toHostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
