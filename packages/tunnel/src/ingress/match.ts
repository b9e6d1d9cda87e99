// Which ingress rule a request belongs to: first match wins, and the last rule takes whatever is left.
import { domainToASCII } from 'node:url';
import type { IngressRule } from './config.ts';
import { decodePath, parseGoUrl, splitHostPort } from './go-url.ts';

/** A request, as ingress rules see it. */
export interface IngressTarget {
  /** `Host` of the request; a port is ignored. Case counts, as in cloudflared. */
  host: string;
  /** Percent-decoded path without query; `decodePath` makes it from a request's. */
  path: string;
}

type Matchable = Pick<IngressRule, 'hostname' | 'punycodeHostname' | 'path'>;

/** The index of the rule for a URL or a target; `rules` must not be empty. Throws `TypeError` on a URL without host. */
export function matchIngress(rules: readonly Matchable[], target: string | URL | IngressTarget): number {
  const { host, path } = toTarget(target);
  const hostname = splitHostPort(host)?.host ?? host;
  const found = rules.findIndex((rule) => matchesRule(rule, hostname, path));
  return found === -1 ? rules.length - 1 : found;
}

function toTarget(target: string | URL | IngressTarget): IngressTarget {
  if (target instanceof URL) return { host: target.hostname, path: decodePath(target.pathname) };
  if (typeof target !== 'string') return target;
  const parsed = parseGoUrl(target);
  if ('problem' in parsed || parsed.url.hostname === '') throw new TypeError(`${target} is not a URL with a host name`);
  return { host: parsed.url.hostname, path: parsed.url.path };
}

function matchesRule(rule: Matchable, hostname: string, path: string): boolean {
  return matchesHostname(rule, hostname) && (rule.path === undefined || rule.path.test(path));
}

/** Whether a rule's hostname covers a host name without port. */
export function matchesHostname(rule: Pick<Matchable, 'hostname' | 'punycodeHostname'>, hostname: string): boolean {
  return (
    rule.hostname === '' ||
    rule.hostname === '*' ||
    matchesHost(rule.hostname, hostname) ||
    (rule.punycodeHostname !== undefined && matchesHost(rule.punycodeHostname, hostname))
  );
}

function matchesHost(pattern: string, hostname: string): boolean {
  return pattern === hostname || (pattern.startsWith('*.') && hostname.endsWith(pattern.slice(1)));
}

/** The IDNA form of a rule's hostname; undefined when it is the same or there is none. */
export function toPunycode(hostname: string): string | undefined {
  const wildcard = hostname.startsWith('*.');
  const ascii = domainToASCII(wildcard ? hostname.slice(2) : hostname);
  const whole = wildcard ? `*.${ascii}` : ascii;
  return ascii === '' || whole === hostname ? undefined : whole;
}
