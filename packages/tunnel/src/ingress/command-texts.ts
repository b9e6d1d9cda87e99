// What `tunnel ingress validate` and `tunnel ingress rule URL` print, in cloudflared's words.
import type { ConfigDiagnostic, IngressRule } from './config.ts';
import { parseGoUrl } from './go-url.ts';
import { matchIngress } from './match.ts';
import type { ParsedConfig } from './parse-config.ts';

export interface CommandText {
  exitCode: 0 | 1;
  /** Lines for standard output. */
  output: string[];
  /** Lines for standard error. */
  errors: string[];
}

/** `tunnel ingress validate`. */
export function describeValidation(parsed: ParsedConfig, { file }: { file: string }): CommandText {
  const output = [`Validating rules from ${file}`];
  const errors = describeErrors(parsed);
  if (errors.length > 0) return { exitCode: 1, output, errors };
  const unused = parsed.diagnostics.filter(({ code }) => code === 'unused_key');
  const different = parsed.diagnostics.filter(({ code }) => code === 'unused_option');
  const result = unused.length === 0 ? ['OK'] : [unusedHeading, ...unused.map(toLine)];
  const notes = different.length === 0 ? [] : [differentHeading, ...different.map(toLine)];
  const unreached = parsed.diagnostics.filter(({ code }) => code === 'unreachable_rule');
  const hidden = unreached.flatMap((each) => [`Warning: ${each.message}`, `  line ${each.line ?? 1}: ${each.remedy}`]);
  return { exitCode: 0, output: [...output, ...result, ...notes, ...hidden], errors };
}

const unusedHeading = 'Warning: unused keys detected in your config file. Here is a list of unused keys:';
const differentHeading = 'Warning: accepted, but not as in cloudflared:';

const toLine = ({ line, message }: ConfigDiagnostic): string => `  line ${line ?? 1}: ${message}`;

/** `tunnel ingress rule URL`. Rules count from 0 here and from 1 in errors, as people know it. */
export function describeMatch(url: string, { parsed, file }: { parsed: ParsedConfig; file: string }): CommandText {
  if (url === '') return fail('sallyport tunnel ingress rule expects a single argument, the URL to test');
  const target = parseGoUrl(url);
  if ('problem' in target) return fail(`${url} is not a valid URL`);
  if (target.url.hostname === '') return fail(`${url} doesn't have a hostname, consider adding a scheme`);
  const output = [`Using rules from ${file}`];
  if (parsed.config === undefined) return { exitCode: 1, output, errors: describeErrors(parsed) };
  const { ingress } = parsed.config;
  const index = matchIngress(ingress, { host: target.url.hostname, path: target.url.path });
  const lines = ingress[index] === undefined ? [] : describeRule(ingress[index]);
  return { exitCode: 0, output: [...output, `Matched rule #${index}`, ...lines], errors: [] };
}

const fail = (error: string): CommandText => ({ exitCode: 1, output: [], errors: [error] });

function describeRule({ hostname, path, service }: IngressRule): string[] {
  return [
    ...(hostname === '' ? [] : [`\thostname: ${hostname}`]),
    ...(path === undefined ? [] : [`\tpath: ${path.source}`]),
    `\tservice: ${service.text}`,
  ];
}

/** The codes that come before validation: the file could not be read as a configuration at all. */
const unread: ReadonlySet<string> = new Set(['config_too_large', 'no_configuration', 'yaml_syntax', 'wrong_type']);

function describeErrors({ diagnostics }: ParsedConfig): string[] {
  return diagnostics
    .filter(({ severity }) => severity === 'error')
    .flatMap(({ code, message, remedy, file, line, column }) => [
      unread.has(code) ? message : `Validation failed: ${message}`,
      `  at ${file}${line === undefined ? '' : `:${line}:${column}`}`,
      `  ${remedy}`,
    ]);
}
