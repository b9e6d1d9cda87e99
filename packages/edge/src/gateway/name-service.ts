// `node:dns` of a Worker: the names it may connect to, as the edge resolves them.
//
// A name is answered with the addresses that policy lets this Worker connect to, on one port at least. That keeps DNS
// from telling what policy hides, and nothing depends on it: a connection to an address is judged when it is made.
import { Resolver } from 'node:dns/promises';
import { type Decision, type Egress, parseIp, type PolicyEntry } from '@sallyport/egress';
import { type NameQuestion, SocketError } from '@sallyport/sockets/internal';
import type { StandIns } from './stand-ins.ts';

/** Questions of one Worker that may be asked at once; one more fails. */
export const maxPendingQuestions = 256;
/** Milliseconds for an answer, and how often it is asked for. */
const answerTimeout = 2_000;
const tries = 2;

export interface NameServiceParts {
  egress: Egress;
  standIns: StandIns;
  /** From `portsOf()`. */
  ports: readonly number[];
  /** DNS servers asked for records; the system's by default. Addresses are egress's to look up. */
  servers?: readonly string[] | undefined;
}

/** One port of each group that the entries treat alike. */
export function portsOf(entries: readonly PolicyEntry[]): number[] {
  const ranges = entries.flatMap(({ ports }) => (ports === undefined ? [] : [ports].flat()));
  const edges = ranges.flatMap((range) => {
    const [low = 0, high = low] = String(range).split('-').map(Number);
    return [low, high + 1];
  });
  // Port 25 is never allowed, and says nothing.
  const ports = [1, ...edges].map((port) => (port === 25 ? 26 : port));
  return [...new Set(ports)].filter((port) => port >= 1 && port <= 65_535);
}

export class NameService {
  readonly #parts: NameServiceParts;
  readonly #resolver: Resolver;
  #pending = 0;

  constructor(parts: NameServiceParts) {
    this.#parts = parts;
    this.#resolver = new Resolver({ timeout: answerTimeout, tries });
    if (parts.servers !== undefined) this.#resolver.setServers(parts.servers);
  }

  /** Answers with addresses as `{ address, family }`, or with records as `node:dns` has them. @throws SocketError */
  async answer(question: NameQuestion): Promise<unknown[]> {
    if (this.#pending >= maxPendingQuestions) throw new SocketError('dns_busy');
    this.#pending += 1;
    try {
      return await (question.type === 'address' ? this.#addresses(question.name) : this.#records(question));
    } finally {
      this.#pending -= 1;
    }
  }

  async #decide(hostname: string): Promise<Decision[]> {
    const { egress, ports } = this.#parts;
    return Promise.all(ports.map((port) => egress.decide({ hostname, port })));
  }

  async #addresses(name: string): Promise<unknown[]> {
    const decisions = await this.#decide(name);
    const allowed = decisions.filter(({ verdict }) => verdict === 'allow');
    if (allowed.length === 0) throw toError(decisions[0]!);
    const found = new Set(allowed.flatMap(({ addresses }) => addresses));
    if (found.size === 0) {
      const standIn = this.#parts.standIns.addressOf(allowed[0]!.destination!.host);
      if (standIn === undefined) throw new SocketError('dns_busy');
      found.add(standIn);
    }
    return [...found].map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
  }

  async #records({ name: asked, type }: NameQuestion): Promise<unknown[]> {
    // The name of an address is asked for by the address, however it is written, and is judged as the address. Nobody
    // else's PTR is followed: an alias of any name may lead to the records of an address that policy hides.
    const address = toReversed(asked);
    if (address === undefined && (type === 'PTR' || isReverseZone(asked))) throw notAnAddress(asked);
    const name = address ?? asked;
    const decisions = await this.#decide(name);
    // A name may have other records than addresses.
    const decision = decisions.find(({ verdict, code }) => verdict === 'allow' || code === 'dns_error');
    if (decision === undefined) throw toError(decisions[0]!);
    if (decision.route.kind === 'tunnel') throw behindTunnel(name);
    try {
      if (type === 'PTR') return await this.#resolver.reverse(name);
      const answer: unknown = await this.#resolver.resolve(asked, type);
      return Array.isArray(answer) ? answer : [answer];
    } catch (error) {
      throw new SocketError('dns_error', { cause: error });
    }
  }
}

function toError({ code, message, detail, remedy }: Decision): SocketError {
  const known = code === 'allowed' ? 'destination_denied' : code;
  return new SocketError(known === 'invalid_policy' ? 'destination_denied' : known, {
    message,
    remedy,
    cause: new Error(detail),
  });
}

const isReverseZone = (name: string): boolean => /(?:^|\.)(?:in-addr|ip6)\.arpa\.?$/i.test(name);

/** The address that a name of a reverse zone stands for, or the one it is; undefined for any other name. */
function toReversed(name: string): string | undefined {
  const own = parseIp(name);
  if (own !== undefined) return own.text;
  const [, v4, v6] = /^(?:([\d.]+)\.in-addr|([\da-f.]+)\.ip6)\.arpa\.?$/i.exec(name) ?? [];
  const labels = (v4 ?? v6 ?? '').split('.').toReversed();
  if (v4 !== undefined) return labels.length === 4 ? parseIp(labels.join('.'))?.text : undefined;
  if (labels.length !== 32 || labels.some((label) => label.length !== 1)) return undefined;
  return parseIp(labels.join('').replace(/.{4}(?!$)/g, '$&:'))?.text;
}

function notAnAddress(name: string): SocketError {
  const detail = `${name} is not the address of anything: names of addresses are asked for by the whole address`;
  return new SocketError('destination_denied', { cause: new Error(detail) });
}

function behindTunnel(name: string): SocketError {
  const detail = `${name} is behind a tunnel: only its addresses can be asked for`;
  return new SocketError('destination_denied', { cause: new Error(detail) });
}
