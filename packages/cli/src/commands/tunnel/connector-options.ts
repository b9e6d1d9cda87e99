// The settings of a connector: from the command line, else from the configuration file, where a top-level key is a flag of
// the same name.
import { type LogLevel, logLevels, parseDuration, parseEdge, type TunnelConfig } from '@sallyport/tunnel';
import { UsageError, type Values } from '../../command.ts';

export interface ConnectorSettings {
  edges: { host: string; port: number }[] | undefined;
  links: number | undefined;
  gracePeriod: number | undefined;
  /** `false`: nowhere. */
  metrics: { host: string; port: number } | false | undefined;
  level: LogLevel | undefined;
  logFile: string | undefined;
}

/** Most links one connector may keep up; the edge has a bound of its own. */
const maxLinks = 64;

/** Keys of the file that are settings here. */
const known: ReadonlySet<string> = new Set([
  'edge',
  'ha-connections',
  'grace-period',
  'metrics',
  'loglevel',
  'logfile',
  'url',
  'token',
  'token-file',
]);

/** @throws UsageError */
export function readSettings(values: Values, config: TunnelConfig | undefined): ConnectorSettings {
  const get = <Value>(name: string, read: (text: string) => Value | undefined, expected: string): Value | undefined => {
    const given = values[name] ?? config?.settings[name];
    if (given === undefined || given === null) return undefined;
    const value = read(String(given));
    if (value !== undefined) return value;
    throw new UsageError(`--${name} takes ${expected}, not ${String(given)}`);
  };
  const edge = values['edge'] ?? config?.settings['edge'];
  return {
    edges: edge === undefined || edge === null ? undefined : [edge].flat().map(toEdge),
    links: get('ha-connections', toLinks, `a number from 1 to ${maxLinks}`),
    gracePeriod: get('grace-period', toGrace, 'a duration with a unit, such as 30s'),
    metrics: get('metrics', toAddress, 'ADDRESS:PORT or off'),
    level: get('loglevel', toLevel, logLevels.join(', ')),
    logFile: get('logfile', (text) => text, 'a file'),
  };
}

/** Keys of the file that have no effect. */
export function unknownSettings(config: TunnelConfig): string[] {
  return Object.keys(config.settings).filter((key) => !known.has(key));
}

function toEdge(text: unknown): { host: string; port: number } {
  const edge = parseEdge(String(text));
  if (edge === undefined) throw new UsageError(`--edge takes HOST:PORT, not ${String(text)}`);
  return edge;
}

function toLinks(text: string): number | undefined {
  const count = /^\d+$/.test(text) ? Number(text) : 0;
  return count >= 1 && count <= maxLinks ? count : undefined;
}

function toGrace(text: string): number | undefined {
  const milliseconds = parseDuration(text);
  return milliseconds === undefined || milliseconds < 0 ? undefined : milliseconds;
}

/** Also `localhost:` and `:8080`, as Go reads them, and port 0. */
function toAddress(text: string): { host: string; port: number } | false | undefined {
  if (text === 'off') return false;
  const [, v6, name = '', digits = ''] = /^(?:\[([\da-fA-F:.]+)\]|([^\s:[\]]*)):(\d{0,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (!text.includes(':') || port > 65_535 || (v6 === undefined && name === '' && digits === '')) return undefined;
  return { host: v6 ?? (name === '' ? '0.0.0.0' : name), port };
}

function toLevel(text: string): LogLevel | undefined {
  return logLevels.find((level) => level === text);
}
