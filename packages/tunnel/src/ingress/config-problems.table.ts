// The codes of what can be wrong with a configuration file: rows of the package's one error registry.

/** What happened in general; the diagnostic's own message says it with the value, in cloudflared's words if it has any. */
interface Row {
  readonly message: string;
  readonly remedy: string;
  readonly retryable: false;
}

const row = (message: string, remedy: string): Row => ({ message, remedy, retryable: false });

export type ConfigProblemCode =
  | 'config_too_large'
  | 'no_configuration'
  | 'yaml_syntax'
  | 'wrong_type'
  | 'unused_key'
  | 'unused_option'
  | 'no_ingress_rules'
  | 'last_rule_not_catch_all'
  | 'early_catch_all'
  | 'unreachable_rule'
  | 'bad_service'
  | 'bad_http_status'
  | 'bad_ip_rule'
  | 'bad_access'
  | 'bad_private_network'
  | 'bad_ca_pool'
  | 'hostname_with_port'
  | 'bad_wildcard'
  | 'bad_path';

export const configProblems: Readonly<Record<ConfigProblemCode, Row>> = {
  config_too_large: row(
    'The file is too large',
    'A configuration is a few kilobytes: check that this is the right file.',
  ),
  no_configuration: row(
    'There is no configuration',
    'Write at least "ingress:" with the rule "- service: http_status:404".',
  ),
  yaml_syntax: row('The file is not YAML', 'Correct the file at this place: check indentation, quotes and colons.'),
  wrong_type: row(
    'A value is of the wrong kind',
    'Write a value of the kind named; durations carry a unit, as in 30s.',
  ),
  unused_key: row('A key is unknown', 'Remove or correct the key; it has no effect.'),
  unused_option: row(
    'An option of cloudflared is accepted and not used',
    'docs/guide/connector.md says what to do instead, if anything.',
  ),
  no_ingress_rules: row(
    'There are no ingress rules',
    'Add "ingress:" with at least the rule "- service: http_status:404".',
  ),
  last_rule_not_catch_all: row(
    'The last rule does not take everything',
    'Add a last rule without hostname and path, such as "- service: http_status:404".',
  ),
  early_catch_all: row('A rule hides those after it', 'Give the rule a hostname or a path, or move it to the end.'),
  unreachable_rule: row(
    'A rule is never reached',
    'Join it with the rule before it, or take it away; a hostname with several ports needs a route instead of rules.',
  ),
  bad_service: row(
    'A service is no address',
    'Write scheme and host only, such as http://localhost:8000 or tcp://10.0.0.7:5432.',
  ),
  bad_http_status: row('A status is no HTTP status', 'Write a status from 100 to 999, such as http_status:404.'),
  bad_ip_rule: row('An IP rule is malformed', 'Write a CIDR as prefix and ports from 1 to 65535.'),
  bad_access: row('An Access requirement is incomplete', 'Add the team name beside audTag.'),
  bad_private_network: row(
    'An entry of private-network is malformed',
    'Write 10.0.0.0/8, 10.0.0.7:5432, db.internal:5432, "*.internal" or [fd00::/8]:443; a resolver as IP or IP:PORT.',
  ),
  bad_ca_pool: row('A caPool cannot be used', 'Name a readable file with certificates in PEM.'),
  hostname_with_port: row('A hostname has a port', 'Write the host name alone; the port belongs to the service.'),
  bad_wildcard: row(
    'A wildcard is in the wrong place',
    'Write the whole name, or "*." and the name whose subdomains are meant.',
  ),
  bad_path: row('A path is no pattern', 'Write an RE2 pattern: no look-ahead, look-behind or back-references.'),
};
