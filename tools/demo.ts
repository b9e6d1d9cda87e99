// `npm run demo`: a private database behind a connector, the edge and an example Worker, ready to be opened in a browser.
// `npm run demo -- --check` makes the requests itself and prints what it saw as JSON on the last line.
import { EventEmitter, once } from 'node:events';
import { parseArgs } from 'node:util';
import { ControlClient, findEdge, type PoolStatusInfo } from '@sallyport/control/client';
import { type DevServer, startDevServer, type TunnelEvent } from '@sallyport/edge';
import { createEgress, workerPolicy } from '@sallyport/egress';
import { createTextLog } from '../packages/cli/src/output/dev-log.ts';
import { type PrivateNetwork, startPrivateNetwork } from './demo-network.ts';
import { setUpTunnel } from './demo-tunnel.ts';

const help = `npm run demo [-- OPTION ...]

  --check       make the requests, print what was seen as JSON on the last line, exit 0 or 1
  --port PORT   port of the edge (default: 8787; with --check a free one)
  --help        print this help
`;

const { values } = parseArgs({
  options: { check: { type: 'boolean', default: false }, port: { type: 'string' }, help: { type: 'boolean' } },
});
const paths = ['/', '/pooled', '/by-address', '/direct', '/raw', '/starttls', '/blocked', '/seventh'];
/** Each takes some milliseconds; the look-up takes about a second. */
const maxAsked = 1_000;
const project = 'examples/private-rows';

async function startEdge(network: PrivateNetwork, onTunnelEvent: (event: TunnelEvent) => void): Promise<DevServer> {
  const log = createTextLog({
    write: (text) => void process.stderr.write(text),
    color: process.stderr.isTTY,
    cwd: process.cwd(),
  });
  return startDevServer({
    project: { cwd: project, processEnv: {} },
    // As in production: nothing private is reachable, unless a tunnel leads there.
    policy: workerPolicy,
    port: Number(values.port ?? (values.check ? 0 : 8787)),
    vars: network.vars,
    // TLS is the host's concern: the edge trusts the network's own authority, the Worker knows nothing of it.
    authorities: [{ pem: network.ca }],
    watch: !values.check,
    onHostEvent: (event) => log.host(event),
    onGatewayEvent: (event) => log.gateway(event),
    onRequest: (event) => log.request(event),
    onTunnelEvent: (event) => {
      log.tunnel(event);
      onTunnelEvent(event);
    },
  });
}

/** Makes the tunnel, starts the connector with its token, and resolves when the first link is up. */
async function join(edge: DevServer, network: PrivateNetwork, linked: Promise<unknown>): Promise<void> {
  const { tunnels } = edge;
  if (tunnels === undefined) throw new Error('The edge has no tunnels: look at the message above.');
  const id = await setUpTunnel(tunnels.control);
  const client = new ControlClient(findEdge({ cwd: project, env: {} }));
  network.startConnector(await client.call<string>('GET', client.account(`cfd_tunnel/${id}/token`)));
  await linked;
}

interface Seen {
  [path: string]: unknown;
  '/': unknown[];
  '/pooled': unknown[];
  '/by-address': unknown[];
  '/direct': { reached: boolean }[];
  '/blocked': { reached: boolean }[];
  '/starttls': { upgraded?: boolean };
  '/seventh': { seventh?: string };
}

/** Whether this machine reaches the database without the tunnel. */
async function isReachedDirectly(hostname: string): Promise<boolean> {
  const opened = createEgress({ policy: workerPolicy }).open({ hostname, port: 5432 });
  return opened.then(
    ({ stream }) => {
      stream.destroy();
      return true;
    },
    () => false,
  );
}

async function check(edge: DevServer, network: PrivateNetwork): Promise<boolean> {
  const seen = {} as Seen;
  let answered = true;
  for (const path of paths) {
    const response = await fetch(edge.url + path);
    const text = await response.text();
    answered &&= response.ok;
    seen[path] = response.ok ? (JSON.parse(text) as unknown) : { status: response.status, text };
  }
  const directly = [await isReachedDirectly('db.internal'), await isReachedDirectly('10.77.0.5')];
  const pooled = async (): Promise<unknown> => (await fetch(`${edge.url}/pooled`)).json().catch(() => undefined);
  await untilKept(pooled);
  await network.stopConnector();
  const alone = await fetch(edge.url);
  const kept = await pooled();
  const proved = {
    answered,
    rowsThroughTheTunnel: seen['/'].length === 3 && seen['/by-address'].length === 3,
    pooledRows: seen['/pooled'].length === 3,
    cachedRowsWithoutTheConnector: JSON.stringify(kept) === JSON.stringify(seen['/pooled']),
    directPathRefused: seen['/direct'].every(({ reached }) => !reached) && !directly.includes(true),
    noRowsWithoutTheConnector: !alone.ok,
    forbiddenStaysForbidden: seen['/blocked'].every(({ reached }) => !reached),
    upgraded: seen['/starttls'].upgraded === true,
    seventhWaited: seen['/seventh'].seventh === 'waiting',
  };
  const ok = Object.values(proved).every(Boolean);
  console.log(JSON.stringify({ ok, proved, seen }));
  return ok;
}

/** Asks until the pool has looked up what the table is, and so keeps the answer. */
async function untilKept(ask: () => Promise<unknown>): Promise<void> {
  const client = new ControlClient(findEdge({ cwd: project, env: {} }));
  for (let asked = 0; asked < maxAsked; asked += 1) {
    await ask();
    const [pool] = await client.call<PoolStatusInfo[]>('GET', client.account('hyperdrive/status'));
    if (pool?.queries['miss'] !== undefined) return;
  }
}

function untilInterrupted(): Promise<void> {
  return new Promise((resolve) => {
    // Stays: npm passes on what the terminal has sent already, and the second of the two must not cut the end short.
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => resolve());
  });
}

async function main(): Promise<void> {
  const network = await startPrivateNetwork();
  try {
    const events = new EventEmitter();
    const linked = once(events, 'link-registered');
    const edge = await startEdge(network, ({ type }) => void events.emit(type));
    try {
      await join(edge, network, linked);
      console.log(`${network.description}\n\nThe Worker (examples/private-rows) answers on\n`);
      for (const path of paths) console.log(`  ${edge.url}${path}`);
      console.log(values.check ? '' : '\nCtrl-C stops everything.\n');
      if (values.check) process.exitCode = (await check(edge, network)) ? 0 : 1;
      else await untilInterrupted();
    } finally {
      await edge.close();
    }
  } finally {
    await network.close();
  }
}

if (values.help) console.log(help);
else await main();
