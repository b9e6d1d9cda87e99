// A private network in small: an edge and a connector as installed, each a process of its own, a service behind them, and
// a Worker that is bound to it.
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ControlClient, findEdge } from '@sallyport/control/client';
import { startChild } from '../kit/child.ts';
import { findFreePort } from '../kit/free-port.ts';
import { Scope } from '../kit/scope.ts';
import { type Served, toServed, untilAnswered } from '../kit/served.ts';

const fixture = 'bench/fixtures/services-worker';
const command = resolve('packages/cli/dist/main.js');

export interface World extends AsyncDisposable {
  /** Of the Worker. */
  readonly url: string;
}

/** Runs the built command; what it prints goes to a file, as that of a service does. */
function startSallyport(folder: string, name: string, options: readonly string[]): ReturnType<typeof startChild> {
  const flags = process.env['BENCH_NODE_FLAGS']?.split(' ') ?? [];
  const shell = ['/bin/sh', '-c', `exec "$@" >>${name}.log 2>&1`, name];
  return startChild([...shell, process.execPath, ...flags, command, ...options], { cwd: folder });
}

async function startEdge(folder: string, port: number): Promise<Served> {
  const child = startSallyport(folder, 'edge', ['edge', '--no-watch']);
  const edge = toServed(child, port, () => Promise.resolve());
  await untilAnswered(edge);
  return edge;
}

/** A tunnel and a service in the store of a running edge. */
async function createService(folder: string, port: number): Promise<{ token: string; serviceId: string }> {
  const client = new ControlClient(findEdge({ state: join(folder, 'state'), env: {} }));
  const { id } = await client.call<{ id: string }>('POST', client.account('cfd_tunnel'), { body: { name: 'office' } });
  const body = {
    name: 'api',
    type: 'http',
    http_port: port,
    host: { hostname: 'api.internal', resolver_network: { tunnel_id: id } },
  };
  const path = client.account('connectivity/directory/services');
  const { service_id: serviceId } = await client.call<{ service_id: string }>('POST', path, { body });
  return { serviceId, token: await client.call<string>('GET', client.account(`cfd_tunnel/${id}/token`)) };
}

/** @param port of the service, on loopback */
export async function startWorld(port: number): Promise<World> {
  const scope = new Scope();
  try {
    const folder = await mkdtemp(join(tmpdir(), 'sallyport-bench-'));
    scope.defer(() => rm(folder, { recursive: true, force: true }));
    const [http, tunnel, control] = [await findFreePort(), await findFreePort(), await findFreePort()];
    const settings = `state = "state"
[http]
address = "127.0.0.1:${http}"
[tunnel]
address = "127.0.0.1:${tunnel}"
[control]
address = "127.0.0.1:${control}"
`;
    await writeFile(join(folder, 'sallyport.toml'), settings);
    const first = await startEdge(folder, http);
    const { token, serviceId } = await createService(folder, port);
    await first[Symbol.asyncDispose]();

    const project = { name: 'services', main: 'index.js', compatibility_date: '2026-11-01' };
    const bindings = { vpc_services: [{ binding: 'API', service_id: serviceId }] };
    await mkdir(join(folder, 'worker'));
    await copyFile(join(fixture, 'src/index.js'), join(folder, 'worker/index.js'));
    await writeFile(join(folder, 'worker/wrangler.json'), JSON.stringify({ ...project, ...bindings }));
    await writeFile(join(folder, 'sallyport.toml'), `${settings}[[worker]]\nproject = "worker"\n`);
    const edge = scope.use(await startEdge(folder, http));

    const rule = `ingress:
  - hostname: api.internal
    service: tcp://127.0.0.1:${port}
  - service: http_status:404
`;
    await writeFile(join(folder, 'config.yml'), rule);
    await writeFile(join(folder, 'token'), token, { mode: 0o600 });
    const flags = ['--token-file', 'token', '--config', 'config.yml', '--metrics', 'off', '--grace-period', '1s'];
    scope.use(startSallyport(folder, 'connector', ['tunnel', 'run', ...flags]));
    const works = { origin: `${edge.origin}/sequential?count=1`, ended: edge.ended };
    await untilAnswered(works, { wanted: (status) => status === 200 });
    return { url: edge.origin, [Symbol.asyncDispose]: () => scope.close() };
  } catch (error) {
    await scope.close();
    throw error;
  }
}
