// The `ingress` list: each rule read and validated in cloudflared's order, so that its first complaint is ours too.
import type { IngressRule, OriginRequest } from './config.ts';
import { splitHostPort } from './go-url.ts';
import { toPunycode } from './match.ts';
import { noBastion, readOriginRequest } from './origin-request.ts';
import { parsePathPattern } from './path-pattern.ts';
import { type IngressService, parseService } from './service.ts';
import type { YamlNode, YamlValues } from './yaml-values.ts';

interface Context {
  inherited: Readonly<OriginRequest>;
  index: number;
  isLast: boolean;
}

const ruleKeys: ReadonlySet<string> = new Set(['hostname', 'path', 'service', 'originRequest']);

export function readRules(values: YamlValues, node: YamlNode, inherited: Readonly<OriginRequest>): IngressRule[] {
  const items = values.items(node, '[]config.UnvalidatedIngressRule');
  const rules: IngressRule[] = [];
  for (const [index, item] of items.entries()) {
    const rule = readRule(values, item, { inherited, index, isLast: index === items.length - 1 });
    if (rule === undefined) continue;
    if (rules.some((earlier) => hides(earlier, rule))) {
      const problem = `Rule #${index + 1} is never reached: a rule before it takes all of '${rule.hostname}'`;
      values.report(item, 'unreachable_rule', problem, { severity: 'warning' });
    }
    rules.push(rule);
  }
  return rules;
}

/** Whether nothing is left for a later rule of the same hostname. `connect()` looks at rules for bytes alone. */
function hides(earlier: IngressRule, later: IngressRule): boolean {
  if (earlier.hostname !== later.hostname || earlier.path !== undefined || later.hostname === '') return false;
  return isForBytes(earlier) || !isForBytes(later);
}

function isForBytes({ service: { kind } }: IngressRule): boolean {
  return kind === 'tcp' || kind === 'unix';
}

function readRule(values: YamlValues, node: YamlNode, { inherited, index, isLast }: Context): IngressRule | undefined {
  const members = values.members(node, 'config.UnvalidatedIngressRule');
  for (const [name, { key }] of members) {
    if (!ruleKeys.has(name)) {
      values.unused(key, name, 'type config.UnvalidatedIngressRule');
    }
  }
  const text = (name: string): string => values.string(members.get(name)?.value) ?? '';
  const place = (name: string): YamlNode => members.get(name)?.value ?? node;
  const hostname = text('hostname');
  const path = text('path');
  const originRequest = readOriginRequest(values, { node: members.get('originRequest')?.value, inherited });

  const service = parseService(text('service'), originRequest);
  if ('problem' in service) {
    // Without a service there is most often one under another name.
    const unknown = members.has('service') ? undefined : [...members.keys()].find((name) => !ruleKeys.has(name));
    const remedy = unknown && `The rule has no service. ${unknown} is no key of a rule: is it meant to be service?`;
    values.report(place('service'), service.code, service.problem, { remedy });
  }
  const complaint = hostnameProblem(hostname, { path, index, isLast });
  if (complaint !== undefined) values.report(place('hostname'), complaint.code, complaint.problem);
  const pattern = path === '' ? undefined : parsePathPattern(path);
  if (pattern !== undefined && 'problem' in pattern) {
    values.report(place('path'), 'bad_path', `Rule #${index + 1} has an invalid regex: ${pattern.problem}`);
    return undefined;
  }
  if ('problem' in service || complaint !== undefined) return undefined;
  if (service.kind === 'bastion') originRequest.bastionMode = true;
  const difference = serviceDifference(service);
  if (difference !== undefined)
    values.report(place('service'), 'unused_option', `${service.text} ${difference}`, { severity: 'warning' });
  return { hostname, punycodeHostname: toPunycode(hostname), path: pattern, service, originRequest };
}

/** Where a service does not do what it does in cloudflared. */
function serviceDifference(service: IngressService): string | undefined {
  if (service.kind === 'bastion') return noBastion;
  if (service.kind === 'socks-proxy') return 'is answered 502: the connector is no SOCKS proxy';
  if (service.kind === 'tcp' && service.port === undefined) return 'names no port, so nothing can be dialled';
  return undefined;
}

function hostnameProblem(
  hostname: string,
  { path, index, isLast }: { path: string; index: number; isLast: boolean },
):
  | { code: 'hostname_with_port' | 'bad_wildcard' | 'last_rule_not_catch_all' | 'early_catch_all'; problem: string }
  | undefined {
  if (splitHostPort(hostname) !== undefined) {
    return { code: 'hostname_with_port', problem: 'Hostname cannot contain a port' };
  }
  if (hostname.lastIndexOf('*') > 0) {
    const problem =
      'Hostname patterns can have at most one wildcard character ("*") and it can only be used for subdomains, ' +
      'e.g. "*.example.com"';
    return { code: 'bad_wildcard', problem };
  }
  const catchesAll = (hostname === '' || hostname === '*') && path === '';
  if (isLast && !catchesAll) {
    const problem = 'The last ingress rule must match all URLs (i.e. it should not have a hostname or path filter)';
    return { code: 'last_rule_not_catch_all', problem };
  }
  if (isLast || !catchesAll) return undefined;
  const problem =
    `Rule #${index + 1} is matching the hostname '${hostname}', but this will match every hostname, ` +
    'meaning the rules which follow it will never be triggered.';
  return { code: 'early_catch_all', problem };
}
