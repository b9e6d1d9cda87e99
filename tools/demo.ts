// `npm run demo`: a private database, the edge and an example Worker, ready to be opened in a browser.
// `npm run demo -- --check` makes the requests itself and prints what it saw as JSON on the last line.
import { parseArgs } from 'node:util';
import { type DevServer, startDevServer } from '@sallyport/edge';
import { devPolicy } from '@sallyport/egress';
import { createTextLog } from '../packages/cli/src/output/dev-log.ts';
import { type PrivateNetwork, startPrivateNetwork } from './demo-network.ts';

const help = `npm run demo [-- OPTION ...]

  --check       make the requests, print what was seen as JSON on the last line, exit 0 or 1
  --port PORT   port of the edge (default: 8787; with --check a free one)
  --help        print this help
`;

const { values } = parseArgs({
  options: { check: { type: 'boolean', default: false }, port: { type: 'string' }, help: { type: 'boolean' } },
});
const paths = ['/', '/raw', '/starttls', '/blocked', '/seventh'];

async function startEdge(network: PrivateNetwork): Promise<DevServer> {
  const log = createTextLog({
    write: (text) => void process.stderr.write(text),
    color: process.stderr.isTTY,
    cwd: process.cwd(),
  });
  return startDevServer({
    project: { cwd: 'examples/private-rows', processEnv: {} },
    policy: devPolicy,
    port: Number(values.port ?? (values.check ? 0 : 8787)),
    vars: network.vars,
    // TLS is the host's concern: the edge trusts the network's own authority, the Worker knows nothing of it.
    findTrust: () => ({ ca: network.ca }),
    watch: !values.check,
    onHostEvent: (event) => log.host(event),
    onGatewayEvent: (event) => log.gateway(event),
    onRequest: (event) => log.request(event),
  });
}

async function check(edge: DevServer): Promise<boolean> {
  const seen: Record<string, unknown> = {};
  let ok = true;
  for (const path of paths) {
    const response = await fetch(edge.url + path);
    const text = await response.text();
    ok &&= response.ok;
    seen[path] = response.ok ? (JSON.parse(text) as unknown) : { status: response.status, text };
  }
  const blocked = seen['/blocked'] as { reached: boolean }[];
  const rows = seen['/'] as unknown[];
  const upgraded = (seen['/starttls'] as { upgraded?: boolean }).upgraded;
  const waited = (seen['/seventh'] as { seventh?: string }).seventh;
  ok &&= rows.length === 3 && blocked.every(({ reached }) => !reached) && upgraded === true && waited === 'waiting';
  console.log(JSON.stringify({ ok, seen }));
  return ok;
}

function untilInterrupted(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
}

async function main(): Promise<void> {
  const network = await startPrivateNetwork();
  try {
    const edge = await startEdge(network);
    try {
      console.log(`${network.description}\n\nThe Worker (examples/private-rows) answers on\n`);
      for (const path of paths) console.log(`  ${edge.url}${path}`);
      console.log(values.check ? '' : '\nCtrl-C stops everything.\n');
      if (values.check) process.exitCode = (await check(edge)) ? 0 : 1;
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
