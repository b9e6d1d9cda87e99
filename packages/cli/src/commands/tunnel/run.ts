// `sallyport tunnel run`: the connector.
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { readFileSync } from 'node:fs';
import {
  createLog,
  type Log,
  type LogOptions,
  parseTunnelConfig,
  startAgent,
  type TunnelConfig,
} from '@sallyport/tunnel';
import { type Command, toText, type Values } from '../../command.ts';
import { makeRoomForBuffers } from '../../run/heap.ts';
import { onSignal } from '../../signals.ts';
import { chooseCredentials } from './connector-credentials.ts';
import { findConfig, type FoundConfig } from './connector-files.ts';
import { type ConnectorSettings, readSettings, unknownSettings } from './connector-options.ts';
import { CommandError } from '../../command-error.ts';

export const run: Command = {
  name: 'tunnel run',
  summary: 'Run a connector: let the edge into this network, with outbound connections only.',
  positionals: ['[TUNNEL]'],
  options: {
    token: { value: 'TOKEN', help: 'The token of the tunnel (others can see it in ps; default: $TUNNEL_TOKEN)' },
    'token-file': { value: 'FILE', help: 'File with the token (default: $TUNNEL_TOKEN_FILE)' },
    'credentials-file': { value: 'FILE', help: 'Credentials file (default: ID.json where config.yml is looked for)' },
    'cred-file': { value: 'FILE', help: 'The same as --credentials-file' },
    'credentials-contents': { value: 'JSON', help: 'What would be in the credentials file' },
    config: {
      value: 'FILE',
      help: 'Configuration (default: config.yml in ~/.sallyport, ~/.cloudflared, /etc/sallyport, /etc/cloudflared)',
    },
    edge: { value: 'HOST:PORT', multiple: true, help: 'Address of the edge, instead of those in the token' },
    'ha-connections': { value: 'COUNT', help: 'Links to keep up (default: 4)' },
    'grace-period': { value: 'DURATION', help: 'How long running connections may take to finish (default: 30s)' },
    metrics: {
      value: 'ADDRESS:PORT',
      help: 'Where /ready and /metrics are; `off` for nowhere (default: 127.0.0.1:20241 to 20245, or any)',
    },
    url: { value: 'URL', help: 'Send every public hostname to this service, without ingress rules' },
    loglevel: { value: 'LEVEL', help: 'debug, info, warn, error or fatal (default: info)' },
    logfile: { value: 'FILE', help: 'Append the log to this file too, one JSON object a line' },
    json: { help: 'Log one JSON object a line' },
  },
  examples: [
    ['sallyport tunnel run --token-file /etc/sallyport/token', 'with a token from `sallyport tunnel token`'],
    ['sallyport tunnel run home', 'with ~/.sallyport/ID.json from `sallyport tunnel create`'],
    ['sallyport tunnel run --config ./config.yml home', 'with ingress rules; the file is followed while it runs'],
    ['kill -HUP PID', 'read the configuration now'],
  ],
  async run(values, [tunnel]) {
    const found = await findConfig(toText(values, 'config'), { requireIngress: false });
    const config = readConfig(found);
    const settings = readSettings(values, config);
    const url = toText(values, 'url') ?? process.env['TUNNEL_URL'] ?? textOf(config?.settings['url']);
    const single = url === undefined ? undefined : toSingleOrigin(url, config);
    const log = openLog(values, settings);
    const configFile = found?.file;
    const { credentials, exposed } = await chooseCredentials({
      values: withFileDefaults(values, config),
      tunnel,
      config,
      configFile,
      env: process.env,
    });

    if (configFile !== undefined) log('info', 'Using configuration file', { config: configFile });
    for (const setting of config === undefined ? [] : unknownSettings(config)) {
      log('warn', 'A key of the configuration file is no setting of this connector', { key: setting });
    }
    if (exposed !== undefined)
      log('warn', 'Others on this machine can read the secret', { file: exposed, remedy: 'chmod 600' });
    makeRoomForBuffers();
    const stop = onSignal(['SIGINT', 'SIGTERM']);
    const refusal = new AbortController();
    const agent = await startAgent({
      credentials,
      // One service for everything leaves nothing to follow.
      ...(single === undefined ? { configFile } : { config: single }),
      edges: settings.edges,
      links: settings.links,
      gracePeriod: settings.gracePeriod,
      metrics: settings.metrics,
      log,
      version: version(),
      refused: (error) => refusal.abort(error),
    });
    process.on('SIGHUP', () => agent.reload());
    // Not AbortSignal.any(): Node holds what it makes only weakly, and a signal that was collected wakes nobody.
    await Promise.race([untilAborted(stop), untilAborted(refusal.signal)]);
    if (!stop.aborted) {
      await agent.close(0);
      throw refusal.signal.reason;
    }
    log('info', `Initiating graceful shutdown due to signal ${String(stop.reason)} ...`);
    await agent.close();
    log('info', 'Tunnel server stopped');
    return 0;
  },
};

/** The configuration found; one that is not valid is an error with its place. */
function readConfig(found: FoundConfig | undefined): TunnelConfig | undefined {
  if (found === undefined || found.parsed.config !== undefined) return found?.parsed.config;
  const problem = found.parsed.diagnostics.find(({ severity }) => severity === 'error')!;
  const place = problem.line === undefined ? problem.file : `${problem.file}:${problem.line}:${problem.column}`;
  throw new CommandError(`${place}: ${problem.message}`, problem.remedy);
}

function toSingleOrigin(url: string, config: TunnelConfig | undefined): TunnelConfig {
  if (config !== undefined && config.ingress.length > 0) {
    throw new CommandError(
      "You can't set the --url flag (or $TUNNEL_URL) when using multiple-origin ingress rules",
      'Put the service into a rule of the configuration file, or name no configuration.',
    );
  }
  const { config: single, diagnostics } = parseTunnelConfig(JSON.stringify({ ingress: [{ service: url }] }), {
    file: '--url',
  });
  if (single === undefined) throw new CommandError(`--url: ${diagnostics[0]?.message}`, diagnostics[0]?.remedy ?? '');
  return config === undefined ? single : { ...config, ingress: single.ingress };
}

/** A token in the file counts like one on the command line. */
function withFileDefaults(values: Values, config: TunnelConfig | undefined): Values {
  const { token, 'token-file': tokenFile } = config?.settings ?? {};
  const credentials = ['token', 'token-file', 'credentials-file', 'cred-file', 'credentials-contents'];
  if (credentials.some((name) => values[name] !== undefined)) return values;
  return {
    ...values,
    ...(typeof token === 'string' ? { token } : {}),
    ...(typeof tokenFile === 'string' ? { 'token-file': tokenFile } : {}),
  };
}

function openLog(values: Values, { level, logFile }: ConnectorSettings): Log {
  const options = (write: LogOptions['write'], json: boolean): LogOptions => ({ write, json, level });
  const log = createLog(options((line) => void process.stderr.write(line), values['json'] === true));
  if (logFile === undefined) return log;
  const stream = createWriteStream(logFile, { flags: 'a', mode: 0o600 });
  stream.on('error', (error) => log('error', 'The log file cannot be written', { error: error.message }));
  const copy = createLog(options((line) => void (stream.errored === null && stream.write(line)), true));
  return (...entry) => {
    log(...entry);
    copy(...entry);
  };
}

async function untilAborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

function version(): string {
  const manifest = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return manifest.version;
}
