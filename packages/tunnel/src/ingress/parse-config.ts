// `config.yml` as cloudflared reads it: a text in, the configuration and what there is to say about it out.
import { isNode } from 'yaml';
import {
  originRequestDefaults,
  warpRoutingDefaults,
  type ConfigDiagnostic,
  type TunnelConfig,
  type WarpRouting,
} from './config.ts';
import { readOriginRequest } from './origin-request.ts';
import { readPrivateNetwork } from './private-network.ts';
import { readRules } from './rules.ts';
import { isNull, Unreadable, YamlValues, type YamlNode } from './yaml-values.ts';

export interface ParsedConfig {
  /** Undefined when there is an error among the diagnostics. */
  config: TunnelConfig | undefined;
  /** In cloudflared's order: its only complaint is our first error. */
  diagnostics: ConfigDiagnostic[];
}

export interface ParseConfigOptions {
  /** Named in messages. */
  file: string;
  /** Whether a file without `ingress` is an error, as for `ingress validate`; true unless told otherwise. */
  requireIngress?: boolean;
  /** `seconds`: durations are whole seconds, as in the JSON form; by default they are texts with a unit, as in YAML. */
  durations?: 'text' | 'seconds';
}

/** Reads a configuration. Never throws: whatever is wrong is in `diagnostics`. */
export function parseTunnelConfig(text: string, options: ParseConfigOptions): ParsedConfig {
  const values = new YamlValues(text, options);
  let config: TunnelConfig | undefined;
  try {
    if (!values.hasErrors) config = readConfig(values, options);
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
  }
  return { config: values.hasErrors ? undefined : config, diagnostics: values.diagnostics };
}

function readConfig(values: YamlValues, { requireIngress = true }: ParseConfigOptions): TunnelConfig | undefined {
  if (isNull(values.root)) {
    values.report(undefined, 'no_configuration', noConfiguration);
    return undefined;
  }
  const members = values.members(values.root, 'config.configFileSettings');
  const take = (name: string): YamlNode => {
    const value = members.get(name)?.value;
    members.delete(name);
    return value;
  };
  const tunnel = values.string(take('tunnel'));
  const credentialsFile = values.string(take('credentials-file'));
  const originRequest = readOriginRequest(values, { node: take('originRequest'), inherited: originRequestDefaults });
  const warpRouting = readWarpRouting(values, take('warp-routing'));
  const privateNetwork = readPrivateNetwork(values, take('private-network'));
  const ingress = readRules(values, take('ingress'), originRequest);
  if (ingress.length === 0 && requireIngress && !values.hasErrors) {
    // A list is nothing that a flag can be, except for edge addresses: most likely the rules.
    const misspelt = [...members].find(([name, { value }]) => name !== 'edge' && values.isList(value))?.[0];
    const remedy = misspelt && `${misspelt} is no key of this file: is it meant to be ingress?`;
    values.report(values.root, 'no_ingress_rules', "The config file doesn't contain any ingress rules", { remedy });
  }
  const settings = Object.fromEntries([...members].map(([name, { value }]) => [name, toPlain(values, value)]));
  return { tunnel, credentialsFile, ingress, originRequest, warpRouting, privateNetwork, settings };
}

/** Said when there is no file, or nothing in it. */
export const noConfiguration: string =
  'No configuration file was found. Please create one, or use the --config flag to specify its filepath. ' +
  'You can use the help command to learn more about configuration files';

function readWarpRouting(values: YamlValues, node: YamlNode): WarpRouting {
  const routing: WarpRouting = { ...warpRoutingDefaults };
  for (const [name, { key, value }] of values.members(node, 'config.WarpRoutingConfig')) {
    if (name === 'connectTimeout' || name === 'tcpKeepAlive') {
      routing[name] = values.duration(value) ?? routing[name];
    } else if (name === 'maxActiveFlows') {
      routing.maxActiveFlows = values.integer(value, 'uint') ?? routing.maxActiveFlows;
    } else if (name === 'enabled') values.boolean(value);
    else values.unused(key, name, 'type config.WarpRoutingConfig');
  }
  return routing;
}

/** Flags are scalars and lists of scalars; anything deeper is not a flag and is left out. */
function toPlain(values: YamlValues, node: YamlNode): unknown {
  if (!isNode(node)) return node;
  const value: unknown = 'value' in node ? node.value : undefined;
  if (value !== undefined || !('items' in node)) return value;
  return (node.items as YamlNode[]).flatMap((item) => {
    const resolved = isNode(item) ? values.resolve(item) : undefined;
    return resolved !== null && resolved !== undefined && 'value' in resolved ? [resolved.value] : [];
  });
}
