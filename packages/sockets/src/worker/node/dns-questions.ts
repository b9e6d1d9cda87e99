// The questions of `node:dns`, as promises; both of its faces are made of them.
import { isIP } from 'node:net';
import type { SocketErrorCode } from '../../errors.table.ts';
import { SocketError } from '../../socket-error.ts';
import type { RecordType } from '../../wire/messages.ts';
import { isBound } from '../bound-transport.ts';
import { askGateway } from './ask-gateway.ts';
import { toAsciiHost } from './connect-arguments.ts';
import { invalidArgument, type NodeError, toNodeError } from './node-errors.ts';

export interface FoundAddress {
  address: string;
  family: number;
}

export interface LookupOptions {
  family?: number | 'IPv4' | 'IPv6' | undefined;
  all?: boolean | undefined;
  hints?: number | undefined;
  order?: 'verbatim' | 'ipv4first' | 'ipv6first' | undefined;
  verbatim?: boolean | undefined;
}

/** Policy's answer, as a DNS server says it. */
const refused = new Set<SocketErrorCode>(['destination_denied', 'tcp_loop', 'port_25', 'invalid_destination']);

function codeOf(error: SocketError, busy: string): string {
  if (error.code === 'invalid_destination') return 'ENOTFOUND';
  if (refused.has(error.code)) return 'EREFUSED';
  if (error.code !== 'dns_error') return busy;
  const { code } = (error.cause ?? {}) as { code?: string };
  return code !== undefined && code !== 'EAI_AGAIN' ? code : 'ENOTFOUND';
}

function toDnsError(error: unknown, { syscall, hostname }: { syscall: string; hostname: string }): NodeError {
  if (!(error instanceof SocketError)) return error as NodeError;
  const code = codeOf(error, syscall === 'getaddrinfo' ? 'EAI_AGAIN' : 'ETIMEOUT');
  return toNodeError(`${syscall} ${code} ${hostname}`, code, { syscall, hostname, cause: error });
}

async function addresses(hostname: string, syscall: string, family: number): Promise<FoundAddress[]> {
  try {
    const found = (await askGateway({ name: toName(hostname), type: 'address' })) as FoundAddress[];
    const wanted = found.filter((entry) => family === 0 || entry.family === family);
    if (wanted.length > 0) return wanted;
  } catch (error) {
    throw toDnsError(error, { syscall, hostname });
  }
  const code = syscall === 'getaddrinfo' ? 'ENOTFOUND' : 'ENODATA';
  throw toNodeError(`${syscall} ${code} ${hostname}`, code, { syscall, hostname });
}

/** A name as the gateway takes it. @throws SocketError for one that cannot exist */
function toName(hostname: string): string {
  const name = toAsciiHost(hostname);
  if (!/^[A-Za-z0-9\-._:]{1,255}$/.test(name)) throw new SocketError('invalid_destination');
  return name;
}

export function checkName(name: unknown): asserts name is string {
  if (typeof name === 'string') return;
  throw invalidArgument('The "name" argument must be of type string.', 'ERR_INVALID_ARG_TYPE');
}

/** The family as a number; 0 for any. */
export function toFamily({ family = 0 }: LookupOptions): number {
  if (family === 'IPv4') return 4;
  if (family === 'IPv6') return 6;
  if (family === 0 || family === 4 || family === 6) return family;
  throw invalidArgument(`The property 'options.family' must be one of: 0, 4, 6. Received ${String(family)}`);
}

/** A host that is a Hyperdrive binding's: known to the runtime alone. */
export function isRuntimeHost(hostname: string): boolean {
  return isBound({ hostname, port: 0, authority: '', scheme: undefined });
}

/** Addresses of a host, in the order the host's resolver gave, or by family. */
export async function lookupAll(hostname: string, options: LookupOptions): Promise<FoundAddress[]> {
  const family = toFamily(options);
  const ip = isIP(hostname);
  if (ip !== 0) return [{ address: hostname, family: ip }];
  const found = await addresses(hostname, 'getaddrinfo', family);
  const first = options.order === 'ipv4first' || options.verbatim === false ? 4 : options.order === 'ipv6first' ? 6 : 0;
  if (first === 0) return found;
  return [...found.filter((entry) => entry.family === first), ...found.filter((entry) => entry.family !== first)];
}

/** `resolve4`, `resolve6`. */
export async function resolveAddresses(
  hostname: string,
  family: 4 | 6,
  { ttl = false }: { ttl?: boolean } = {},
): Promise<(string | { address: string; ttl: number })[]> {
  const found = await addresses(hostname, family === 4 ? 'queryA' : 'queryAaaa', family);
  // The system's resolver does not tell how long an answer holds.
  return found.map(({ address }) => (ttl ? { address, ttl: 0 } : address));
}

const syscalls: Partial<Record<RecordType, string>> = { CAA: 'queryCaa', CNAME: 'queryCname' };

export async function resolveRecords(hostname: string, type: RecordType): Promise<unknown[]> {
  const syscall = syscalls[type] ?? `query${type[0]}${type.slice(1).toLowerCase()}`;
  try {
    return await askGateway({ name: toName(hostname), type });
  } catch (error) {
    throw toDnsError(error, { syscall, hostname });
  }
}

/** Names of an address. */
export async function reverseAddress(address: string): Promise<unknown[]> {
  if (isIP(address) === 0) {
    throw toNodeError(`getHostByAddr EINVAL ${address}`, 'EINVAL', { syscall: 'getHostByAddr', hostname: address });
  }
  try {
    return await askGateway({ name: address, type: 'PTR' });
  } catch (error) {
    throw toDnsError(error, { syscall: 'getHostByAddr', hostname: address });
  }
}
