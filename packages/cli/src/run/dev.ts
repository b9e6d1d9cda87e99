// What `sallyport dev` does.
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { controlFile, type EdgeAccess, findNamedEdge } from '@sallyport/control/client';
import { RemoteTunnels, startDevServer } from '@sallyport/edge';
import { devPolicy, workerPolicy } from '@sallyport/egress';
import { toPort, toText, UsageError, type Values } from '../command.ts';
import { usesColor } from '../output/color.ts';
import { createJsonLog, createTextLog } from '../output/dev-log.ts';
import { onSignal } from '../signals.ts';
import { makeRoomForBuffers } from './heap.ts';

export async function runDev(values: Values): Promise<number> {
  makeRoomForBuffers();
  const output = {
    write: (text: string) => void process.stdout.write(text),
    color: usesColor(process.stdout),
    cwd: process.cwd(),
  };
  const log = values['json'] === true ? createJsonLog(output) : createTextLog(output);
  const authorities = await readAuthorities(values['ca']);
  const persistTo = toText(values, 'persist-to');
  const signal = onSignal();
  let down = false;
  const edge = findEdgeOf(values);
  const failed = (error: Error): void => log.tunnel({ type: 'control-failed', error });
  const remote = edge && (await RemoteTunnels.start(edge, { failed }));
  const server = await startDevServer({
    project: { cwd: process.cwd(), config: toText(values, 'config'), env: toText(values, 'env') },
    vars: toVariables(values['var']),
    policy: values['strict'] === true ? workerPolicy : devPolicy,
    host: toText(values, 'ip'),
    port: toPort(values, 'port'),
    inspectorPort: toPort(values, 'inspector-port'),
    stateDirectory: persistTo === undefined ? undefined : resolve(persistTo),
    watch: values['no-watch'] !== true,
    tunnels: remote,
    tunnelPort: toPort(values, 'tunnel-port'),
    signal,
    authorities,
    onHostEvent: (event) => {
      if (event.type === 'ready' || event.type === 'failed') down = event.type === 'failed' && !event.stillRunning;
      log.host(event);
    },
    onGatewayEvent: (event) => log.gateway(event),
    onRequest: (event) => log.request(event),
    onTunnelEvent: (event) => log.tunnel(event),
    onTlsEvent: (event) => log.tls(event),
  }).catch((error: unknown) => {
    // Whatever fails because it is being stopped is no failure.
    if (signal.aborted) return undefined;
    throw error;
  });
  if (server === undefined || signal.aborted) return 0;
  if (down && values['no-watch'] === true) {
    // Nobody will repair it while we wait.
    await server.close();
    return 1;
  }
  log.listening(server.url);
  if (values['strict'] !== true) {
    log.say('Loopback and private addresses are reachable in dev; --strict forbids them as in production.');
  }
  if (edge !== undefined) {
    const isFile = basename(edge.source) === controlFile;
    const option = isFile ? `--state ${dirname(edge.source)}` : `--api-url ${edge.url} --api-token-file FILE`;
    log.say(`Commands about its tunnels, databases and services need the same edge named: ${option}`);
  }
  if (server.inspectorPort !== undefined) log.say(`Inspector on 127.0.0.1:${server.inspectorPort}`);
  if (!signal.aborted) await once(signal, 'abort');
  await server.close();
  remote?.[Symbol.dispose]();
  return 0;
}

/** The edge that `--edge` names. */
function findEdgeOf(values: Values): EdgeAccess | undefined {
  const named = toText(values, 'edge');
  const tokenFile = toText(values, 'edge-token-file');
  if (named === undefined && tokenFile !== undefined) throw new UsageError('--edge-token-file needs --edge beside it');
  if (named === undefined) return undefined;
  return findNamedEdge(named, { tokenFile });
}

function toVariables(given: unknown): Record<string, string> {
  const pairs = (Array.isArray(given) ? given : []).map((pair): [string, string] => {
    const [, name, value] = /^([^:]+):(.*)$/s.exec(String(pair)) ?? [];
    if (name === undefined || value === undefined) throw new UsageError(`--var takes NAME:VALUE, not ${pair}`);
    return [name, value];
  });
  return Object.fromEntries(pairs);
}

/** Read once here so that a wrong one is told of before anything runs. */
async function readAuthorities(files: unknown): Promise<{ file: string }[]> {
  const named = Array.isArray(files) ? files.map((file) => resolve(String(file))) : [];
  for (const file of named) await checkAuthority(file);
  return named.map((file) => ({ file }));
}

async function checkAuthority(file: string): Promise<void> {
  const text = await readFile(file, 'utf8').catch((cause: Error) => {
    throw new UsageError(`--ca: ${cause.message}`, { cause });
  });
  try {
    void new X509Certificate(text);
  } catch (cause) {
    throw new UsageError(`--ca: no PEM certificate in ${file}`, { cause });
  }
}
