// What `sallyport edge` does: Workers, tunnels and the HTTP listener, until it is told to stop.
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { defaultGrace, Edge, type EdgeConfig, loadEdgeConfig } from '@sallyport/edge';
import { formatDiagnostics } from '@sallyport/workers';
import { toText, type Values, UsageError } from '../command.ts';
import { CommandError } from '../command-error.ts';
import { usesColor } from '../output/color.ts';
import { createJsonLog, createTextLog, type DevLog } from '../output/dev-log.ts';
import { onSignal } from '../signals.ts';
import { makeRoomForBuffers } from './heap.ts';

const defaultFile = 'sallyport.toml';

export async function runEdge(values: Values): Promise<number> {
  makeRoomForBuffers();
  const output = {
    write: (text: string) => void process.stdout.write(text),
    color: usesColor(process.stdout),
    cwd: process.cwd(),
  };
  const makeLog = (name?: string): DevLog =>
    values['json'] === true
      ? createJsonLog({ ...output, worker: name })
      : createTextLog({ ...output, worker: name, hosts: true });
  const log = makeLog();
  const grace = toGrace(values);
  const file = toText(values, 'config');
  if (file === undefined && !existsSync(defaultFile)) throw toNoFile();
  const { config, warnings } = await loadEdgeConfig(file ?? defaultFile);
  if (warnings.length > 0) log.say(formatDiagnostics(warnings, output));
  const signal = onSignal();
  const running = await Edge.start({
    config,
    watch: values['no-watch'] !== true,
    signal,
    onRequest: (event) => log.request(event),
    onTunnelEvent: (event) => log.tunnel(event),
    onTlsEvent: (event) => log.tls(event),
    onDatabaseEvent: (event) => log.gateway(event),
    eventsOf: (name) => {
      const own = config.workers.length > 1 ? makeLog(name) : log;
      return { onHostEvent: (event) => own.host(event), onGatewayEvent: (event) => own.gateway(event) };
    },
  }).catch((error: unknown) => {
    // Whatever fails because it is being stopped is no failure.
    if (signal.aborted) return undefined;
    throw error;
  });
  if (running === undefined || signal.aborted) return 0;
  announce(running, config, log);
  await once(signal, 'abort');
  log.say(`Stopping: what runs gets ${grace / 1000} s to finish; a second signal ends it.`);
  await running.drain(grace);
  return 0;
}

function announce({ url, tunnels, workers, metrics }: Edge, { tunnel }: EdgeConfig, log: DevLog): void {
  log.listening(url);
  log.say(`Connectors dial ${tunnel.host}:${tunnels.port}; tokens say ${tunnels.advertised.join(', ')}`);
  log.say(`Control API on ${tunnels.controlUrl}`);
  if (metrics !== undefined) log.say(`Metrics on http://${metrics.host}:${metrics.port}/metrics`);
  if (workers.length > 0) log.say(`Workers: ${workers.join(', ')}`);
}

function toNoFile(): CommandError {
  const minimal = '[[worker]]\nproject = "./my-worker"    # the folder of its wrangler.jsonc';
  return new CommandError(
    `There is no ${defaultFile} in ${process.cwd()}`,
    `Name the file with --config, or write one here. This is an edge with one Worker; an empty file is one for tunnels alone:\n\n${minimal}\n`,
  );
}

/** Milliseconds. */
function toGrace(values: Values): number {
  const text = toText(values, 'grace-period');
  if (text === undefined) return defaultGrace;
  const [, count] = /^(\d{1,4})s?$/.exec(text) ?? [];
  if (count === undefined) throw new UsageError(`--grace-period takes seconds, such as 30, not ${text}`);
  return Number(count) * 1000;
}
