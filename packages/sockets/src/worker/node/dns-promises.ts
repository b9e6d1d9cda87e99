/**
 * `node:dns/promises` in a Worker that the edge runs: the edge answers, as far as policy lets the Worker connect.
 *
 * @module
 */
import * as native from 'node:dns/promises';
import {
  checkName,
  type FoundAddress,
  isRuntimeHost,
  type LookupOptions,
  lookupAll,
  resolveAddresses,
  resolveRecords,
  reverseAddress,
} from './dns-questions.ts';
import { invalidArgument, toNodeError } from './node-errors.ts';
import type { RecordType } from '../../wire/messages.ts';

export * from 'node:dns/promises';

export async function lookup(
  hostname: string,
  options: LookupOptions | number = {},
): Promise<FoundAddress | FoundAddress[]> {
  checkName(hostname);
  const given = (typeof options === 'number' ? { family: options } : (options ?? {})) as LookupOptions;
  if (isRuntimeHost(hostname)) return native.lookup(hostname, given as object) as Promise<FoundAddress>;
  const found = await lookupAll(hostname, given);
  return given.all === true ? found : found[0]!;
}

/** The name of a service is a question to the edge's own machine, and not a Worker's. */
export function lookupService(address: string): Promise<never> {
  return Promise.reject(
    toNodeError(`getnameinfo ENOTIMP ${address}`, 'ENOTIMP', { syscall: 'getnameinfo', hostname: address }),
  );
}

export function resolve4(hostname: string, options?: { ttl?: boolean }): Promise<unknown[]> {
  checkName(hostname);
  return isRuntimeHost(hostname) ? native.resolve4(hostname) : resolveAddresses(hostname, 4, options);
}

export function resolve6(hostname: string, options?: { ttl?: boolean }): Promise<unknown[]> {
  checkName(hostname);
  return resolveAddresses(hostname, 6, options);
}

const records =
  (type: RecordType) =>
  async (hostname: string): Promise<unknown[]> => {
    checkName(hostname);
    return resolveRecords(hostname, type);
  };

type Ask = (hostname: string) => Promise<unknown[]>;

export const resolveCaa: Ask = records('CAA');
export const resolveCname: Ask = records('CNAME');
export const resolveMx: Ask = records('MX');
export const resolveNaptr: Ask = records('NAPTR');
export const resolveNs: Ask = records('NS');
export const resolvePtr: Ask = records('PTR');
export const resolveSrv: Ask = records('SRV');
export const resolveTxt: Ask = records('TXT');

export async function resolveSoa(hostname: string): Promise<unknown> {
  checkName(hostname);
  return (await resolveRecords(hostname, 'SOA'))[0];
}

/** An edge answers for one type at a time. */
export function resolveAny(hostname: string): Promise<never> {
  return Promise.reject(toNodeError(`queryAny ENOTIMP ${hostname}`, 'ENOTIMP', { syscall: 'queryAny', hostname }));
}

const byType: Readonly<Record<string, (hostname: string) => Promise<unknown>>> = {
  A: resolve4,
  AAAA: resolve6,
  ANY: resolveAny,
  CAA: resolveCaa,
  CNAME: resolveCname,
  MX: resolveMx,
  NAPTR: resolveNaptr,
  NS: resolveNs,
  PTR: resolvePtr,
  SOA: resolveSoa,
  SRV: resolveSrv,
  TXT: resolveTxt,
};

export function resolve(hostname: string, type: string = 'A'): Promise<unknown> {
  const ask = Object.hasOwn(byType, type) ? byType[type] : undefined;
  if (ask === undefined) throw invalidArgument(`The argument 'rrtype' is invalid. Received '${type}'`);
  return ask(hostname);
}

export function reverse(address: string): Promise<unknown[]> {
  return reverseAddress(address);
}

/** The edge's resolver is asked; which servers that has is not a Worker's concern. */
export function getServers(): string[] {
  return [];
}

export function setServers(): never {
  const text = "DNS servers cannot be chosen in a Worker: the edge's own resolver answers.";
  throw invalidArgument(text, 'ERR_METHOD_NOT_IMPLEMENTED');
}

const questions = {
  getServers,
  setServers,
  resolve,
  resolve4,
  resolve6,
  resolveAny,
  resolveCaa,
  resolveCname,
  resolveMx,
  resolveNaptr,
  resolveNs,
  resolvePtr,
  resolveSoa,
  resolveSrv,
  resolveTxt,
  reverse,
};

/** All questions go the same way, so a resolver has nothing of its own. */
export class Resolver {
  cancel(): void {}
  setLocalAddress(): void {}
}
Object.assign(Resolver.prototype, questions);

const { default: own } = native as unknown as { default: object };

const promises: object = { ...own, ...questions, lookup, lookupService, Resolver };
export default promises;
