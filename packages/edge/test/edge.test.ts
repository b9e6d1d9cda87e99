// An edge from its start to its end: who answers first, what a stop waits for, and what it leaves.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, readdir } from 'node:fs/promises';
import { request } from 'node:http';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { createEgress, definePolicy, workerPolicy } from '@sallyport/egress';
import { use } from '@sallyport/testkit';
import { decodeToken, parseTunnelConfig, startAgent } from '@sallyport/tunnel';
import { loadProject } from '@sallyport/workers';
import type { EdgeConfig } from '../src/config/edge-config.ts';
import { Edge, type TunnelEvent } from '../src/index.ts';
import { HyperdriveService } from '../src/hyperdrive/hyperdrive-service.ts';
import { bareTls } from '../src/tls/host-tls.ts';
import { VpcService } from '../src/vpc/vpc-service.ts';
import { BackendState } from '../src/front/backend.ts';
import { WorkerService } from '../src/host/worker-service.ts';
import { config, temporaryFolder, writeFiles } from './support/dev-bench.ts';
import { deferred } from './support/deferred.ts';
import { Recorder } from './support/recorder.ts';
import { startEcho, startOrigin } from './support/tunnel-bench.ts';

const events = { onHostEvent: () => {}, onGatewayEvent: () => {} };

async function freePort(): Promise<number> {
  const server: Server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function configure(
  t: TestContext,
  workers: Record<string, string>,
  { port = 0, name }: { port?: number; name?: string } = {},
): Promise<EdgeConfig> {
  const folder = await temporaryFolder(t);
  for (const [project, script] of Object.entries(workers)) {
    await writeFiles(join(folder, project), {
      'wrangler.json': config({ name: name ?? project }),
      'src/index.js': script,
    });
  }
  const anywhere = { host: '127.0.0.1', port: 0 };
  return {
    file: join(folder, 'sallyport.toml'),
    state: join(folder, 'state'),
    http: { host: '127.0.0.1', port },
    tunnel: { ...anywhere, advertise: undefined },
    control: anywhere,
    metrics: anywhere,
    hyperdrive: { cacheBytes: undefined, trustFunctions: false },
    workers: Object.keys(workers).map((project) => ({
      project: join(folder, project),
      env: undefined,
      hostnames: [`${project}.example.com`],
      network: undefined,
      policy: definePolicy([{ action: 'allow', to: '127.0.0.1' }, ...workerPolicy.entries]),
    })),
    trust: [],
  };
}

async function ask(port: number, host: string): Promise<{ status: number; body: string }> {
  const asked = request({ port, host: '127.0.0.1', headers: { host }, agent: false }).end();
  const [answer] = (await once(asked, 'response')) as [AsyncIterable<Buffer> & { statusCode: number }];
  let body = '';
  for await (const chunk of answer) body += String(chunk);
  return { status: answer.statusCode, body };
}

const hello = `export default { fetch: () => new Response('hello') };`;

test('the first request that an edge takes is for a host it knows', { timeout: 60_000 }, async (t) => {
  const port = await freePort();
  const edgeConfig = await configure(t, { api: hello }, { port });
  const starting = Edge.start({
    config: edgeConfig,
    eventsOf: () => events,
    onRequest: () => {},
    onTunnelEvent: () => {},
    watch: false,
  });
  const first = async (): Promise<{ status: number; body: string }> => {
    for (;;) {
      const answer = await ask(port, 'api.example.com').catch((error: NodeJS.ErrnoException) => error);
      if (!(answer instanceof Error)) return answer;
      assert.equal(answer.code, 'ECONNREFUSED');
    }
  };
  const answer = await first();
  await use(t, starting);
  assert.deepEqual(answer, { status: 200, body: 'hello' });
});

test('a request that runs when the edge stops still gets through its tunnel', { timeout: 60_000 }, async (t) => {
  const echo = await startEcho(t);
  const [reached, go] = [deferred(), deferred()];
  const { port: gate } = await startOrigin(t, (_incoming, response) => {
    reached.resolve();
    void go.promise.then(() => response.end('go'));
  });
  const script = `import { connect } from 'cloudflare:sockets';
export default { async fetch() {
  await (await fetch('http://127.0.0.1:${gate}/')).text();
  try {
    const socket = connect('echo.internal:${echo}');
    const writer = socket.writable.getWriter();
    await writer.write(new TextEncoder().encode('through'));
    await writer.close();
    return new Response(socket.readable);
  } catch (error) { return new Response(String(error), { status: 502 }); }
} };`;
  const tunnelEvents = new Recorder<TunnelEvent>();
  const edge = await use(
    t,
    Edge.start({
      config: await configure(t, { api: script }),
      eventsOf: () => events,
      onRequest: () => {},
      onTunnelEvent: tunnelEvents.add,
      watch: false,
    }),
  );
  const { control, controlUrl, controlToken } = edge.tunnels;
  const authorized = { headers: { authorization: `Bearer ${controlToken}` } };
  const { id } = await control.tunnels.create({ name: 'office' });
  await control.routes.hostnames.create({ hostname: 'echo.internal', tunnel_id: id });
  const answer = await fetch(`${controlUrl}/accounts/default/cfd_tunnel/${id}/token`, authorized);
  const { result } = (await answer.json()) as { result: string };
  const yaml = `ingress: [{ hostname: echo.internal, service: "tcp://127.0.0.1:${echo}" }, { service: hello_world }]`;
  const parsed = parseTunnelConfig(yaml, { file: 'config.yml' });
  await use(t, startAgent({ credentials: decodeToken(result), config: parsed.config, links: 1, metrics: false }));
  await tunnelEvents.next(({ type }) => type === 'link-registered');

  const asked = ask(Number(new URL(edge.url).port), 'api.example.com');
  await reached.promise;
  const drained = edge.drain(20_000);
  // Time for a link to be given up, in round trips.
  for (let trip = 0; trip < 100; trip += 1) await fetch(`${controlUrl}/user/tokens/verify`, authorized);
  go.resolve();
  assert.deepEqual(await asked, { status: 200, body: 'through' });
  await drained;
});

test('two Workers of one name are refused, as they would share their storage', async (t) => {
  const starting = Edge.start({
    config: await configure(t, { one: hello, two: hello }, { name: 'same' }),
    eventsOf: () => events,
    onRequest: () => {},
    onTunnelEvent: () => {},
  });
  await assert.rejects(starting, { code: 'worker_name_taken', message: /called same/ });
});

test('a Worker that is closed while it starts leaves nothing', async (t) => {
  const temporary = join(await temporaryFolder(t), 'tmp');
  await mkdir(temporary);
  const { TMPDIR } = process.env;
  t.after(() => {
    if (TMPDIR === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = TMPDIR;
  });
  const { workers, state } = await configure(t, { api: hello });
  const load = () => loadProject({ cwd: workers[0]!.project });
  const loaded = await load();
  process.env['TMPDIR'] = temporary;
  const service = new WorkerService();
  const egress = createEgress({ policy: workerPolicy });
  const starting = service
    .start({
      load,
      loaded,
      backend: new BackendState(),
      egress,
      policy: workerPolicy,
      hyperdrive: new HyperdriveService({ egress, usesLocal: false }),
      vpc: new VpcService({ ways: {}, control: () => undefined, failed: () => {} }),
      findTrust: () => bareTls,
      stateDirectoryOf: () => state,
      watch: true,
      ...events,
    })
    .catch(() => {});
  await service.close();
  await starting;
  assert.deepEqual(await readdir(temporary), []);
});
