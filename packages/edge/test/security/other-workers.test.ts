// One Worker of an edge against another: its sockets, its credentials, its services, its database, its files. The thief is
// told all that it could learn.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, readdir, symlink } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { definePolicy, workerPolicy } from '@sallyport/egress';
import { encodeControl, frameType } from '@sallyport/sockets/internal';
import { needs, startPostgres, use } from '@sallyport/testkit';
import { Edge, type GatewayEvent, type HostEvent } from '../../src/index.ts';
import { config, modules, temporaryFolder, writeFiles } from '../support/dev-bench.ts';
import { read } from '../support/origin.ts';
import { Recorder } from '../support/recorder.ts';
import { startOrigin } from '../support/tunnel-bench.ts';

const names = ['victim', 'thief'] as const;

const victim = `export default { async fetch(request, env) {
  const { connectionString, host, ip, port, user, password, database } = env.DB;
  const served = await (await env.API.fetch('http://x/')).text();
  return Response.json({ connectionString, host, ip, port, user, password, database, served });
} };`;

const thief = `import { connect } from 'cloudflare:sockets';
import net from 'node:net'; import fs from 'node:fs'; import fsp from 'node:fs/promises'; import http from 'node:http';
import { Client } from 'pg';
const text = new TextDecoder();
const heard = async (socket, bytes) => {
  await socket.opened;
  const writer = socket.writable.getWriter();
  await writer.write(bytes);
  const { value } = await socket.readable.getReader().read();
  return 'open ' + text.decode(value);
};
const listening = (socket) => new Promise((resolve) => {
  socket.on('connect', () => resolve('open')).on('error', ({ code }) => resolve('refused ' + code));
});
const sslRequest = new Uint8Array([0, 0, 0, 8, 4, 210, 22, 47]);
const login = async (options) => {
  const client = new Client(options);
  client.on('error', () => {});
  await client.connect();
  const { rows } = await client.query('select current_database() as database');
  await client.end();
  return 'open ' + rows[0].database;
};
const steps = {
  socket: ({ db }) => heard(connect({ hostname: db.host, port: db.port }), sslRequest),
  ip: ({ db }, env) => login({ ...db, connectionString: undefined, host: db.ip ?? db.host }),
  net: ({ db }) => listening(net.connect({ host: db.host, port: db.port })),
  credentials: ({ db }, env) => login({ host: env.DB.host, port: env.DB.port, user: db.user, password: db.password, database: db.database }),
  half: ({ db }, env) => login({ host: env.DB.host, port: env.DB.port, user: env.DB.user, password: db.password, database: env.DB.database }),
  string: ({ db }) => login({ connectionString: db.connectionString }),
  own: (_, env) => login({ connectionString: env.DB.connectionString }),
  database: ({ origin }) => login(origin),
  path: async ({ paths }) => (await Promise.all(paths.map((path) => {
    try { return listening(net.connect({ path })); } catch (error) { return 'refused ' + error.code; }
  }))).join(),
  host: async ({ paths }) => (await Promise.all(paths.map((host) => login({ ...{}, host, user: 'a' }).catch(() => 'refused')))).join(),
  unix: async ({ paths }) => (await Promise.all(paths.flatMap((path) => ['http://unix:' + path + ':/', 'unix:' + path, 'http+unix://' + encodeURIComponent(path) + '/'].map((url) =>
    fetch(url).then(({ status }) => status < 400 ? 'open' : 'refused', () => 'refused'))))).join(),
  http: async ({ paths }) => (await Promise.all(paths.map((socketPath) => new Promise((resolve) => {
    try { http.get({ socketPath, path: '/' }, () => resolve('open')).on('error', () => resolve('refused')); } catch { resolve('refused'); }
  })))).join(),
  files: async ({ paths, folders }) => {
    const tried = [...paths, ...folders, '/proc/self/environ', '/proc/self/cmdline', '/proc/1/environ', '/etc/passwd', '../../secrets.key'];
    const seen = [];
    for (const path of tried) {
      for (const act of [() => fs.readFileSync(path), () => fs.readdirSync(path), () => fsp.readFile(path), () => fsp.symlink(path, '/tmp/link').then(() => fsp.readFile('/tmp/link'))]) {
        try { await act(); seen.push(path); } catch {}
      }
    }
    return seen.length === 0 ? 'refused' : 'open ' + seen.join();
  },
  service: async ({ service }) => { const { status } = await fetch(service); return status < 400 ? 'open' : 'refused'; },
  env: (_, env) => JSON.stringify([Object.keys(env), Object.keys(process.env)]),
  // Past our modules, by the runtime's own: what is connected to, and the door of our own Socket, with frames by hand.
  native: ({ port }) => listening(process.getBuiltinModule('node:net').connect(port, '127.0.0.1')),
  frames: ({ frame }) => new Promise((resolve) => {
    const socket = process.getBuiltinModule('node:net').connect(1, 'v1.socket.sallyport');
    socket.on('data', (data) => resolve((String(data).includes('destination_denied') ? 'refused ' : 'open ') + data.length));
    socket.on('error', ({ code }) => resolve('no such door ' + code)).on('close', () => resolve('closed'));
    socket.write(Uint8Array.from(frame));
  }),
};
export default { async fetch(request, env) {
  const { step, ...given } = await request.json();
  try { return new Response(await steps[step](given, env)); }
  catch (error) { return new Response('refused ' + (error.code ?? error.message)); }
} };`;

interface Pair {
  edge: Edge;
  folder: string;
  events: Recorder<GatewayEvent>;
  ready: (name: string) => Promise<unknown>;
}

async function startPair(t: TestContext): Promise<Pair> {
  const folder = await temporaryFolder(t);
  const hosts = new Recorder<HostEvent & { worker: string }>();
  const events = new Recorder<GatewayEvent>();
  for (const name of names) {
    await writeFiles(join(folder, name), { 'wrangler.json': config({ name }), 'src/index.js': 'export default {};' });
    await symlink(modules, join(folder, name, 'node_modules'));
  }
  const anywhere = { host: '127.0.0.1', port: 0 };
  const edge = await use(
    t,
    Edge.start({
      config: {
        file: join(folder, 'sallyport.toml'),
        state: join(folder, 'state'),
        http: anywhere,
        tunnel: { ...anywhere, advertise: undefined },
        control: anywhere,
        metrics: undefined,
        hyperdrive: { cacheBytes: undefined, trustFunctions: false },
        workers: names.map((name) => ({
          project: join(folder, name),
          env: undefined,
          hostnames: [`${name}.example`],
          network: undefined,
          policy: definePolicy(workerPolicy.entries),
        })),
        trust: [],
      },
      eventsOf: (worker) => ({ onHostEvent: (event) => hosts.add({ ...event, worker }), onGatewayEvent: events.add }),
      onRequest: () => {},
      onTunnelEvent: () => {},
    }),
  );
  const ready = (name: string) =>
    hosts.next((event) => event.worker === name && event.type === 'ready' && event.reload);
  return { edge, folder, events, ready };
}

async function ask({ edge }: Pair, name: string, body: object = {}): Promise<string> {
  const headers = { host: `${name}.example` };
  const asked = request(edge.url, { method: 'POST', headers, agent: false }).end(JSON.stringify(body));
  const [answer] = (await once(asked, 'response')) as [AsyncIterable<Uint8Array>];
  return String(await read(answer));
}

/** Every socket and folder of this run. */
async function socketsIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  return entries.filter((entry) => entry.isSocket()).map((entry) => join(entry.parentPath, entry.name));
}

test('what a Worker has is of no use to another, though it is told all of it', { timeout: 60_000 }, async (t) => {
  if (!needs(t, 'postgres')) return;
  const { port, user, password, database } = await use(t, startPostgres());
  const temporary = join(await temporaryFolder(t), 'tmp');
  await mkdir(temporary);
  const { TMPDIR } = process.env;
  process.env['TMPDIR'] = temporary;
  t.after(() => {
    if (TMPDIR === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = TMPDIR;
  });
  const { port: servicePort } = await startOrigin(t, (_, response) => void response.end('for the victim'));
  const pair = await startPair(t);
  const { hyperdrive, services } = pair.edge.tunnels.control;
  const origin = { scheme: 'postgresql' as const, host: '127.0.0.1', port, user, password, database };
  const { service_id } = await services.create({
    name: 'api',
    type: 'http',
    http_port: servicePort,
    host: { ipv4: '127.0.0.1' },
  });
  for (const name of names) {
    const { id } = await hyperdrive.create({ name, origin, mtls: { sslmode: 'disable' } } as never);
    const more = name === 'victim' ? { vpc_services: [{ binding: 'API', service_id }] } : {};
    const bound = { name, compatibility_flags: ['nodejs_compat'], hyperdrive: [{ binding: 'DB', id }], ...more };
    await writeFiles(join(pair.folder, name), {
      'src/index.js': name === 'victim' ? victim : thief,
      'wrangler.json': config(bound),
    });
    await pair.ready(name);
  }
  const db = JSON.parse(await ask(pair, 'victim')) as Record<string, unknown>;
  assert.equal(db['served'], 'for the victim');
  const paths = await socketsIn(temporary);
  assert.ok(paths.length >= 6, paths.join());
  const folders = [temporary, pair.folder, join(pair.folder, 'state'), join(pair.folder, 'state/secrets.key')];
  const open = { hostname: '127.0.0.1', port, secureTransport: 'off', connectTimeout: 5_000, tls: {} };
  const frame = [...encodeControl(frameType.open, open)];
  const known = { frame, db, paths, folders, origin, port, service: `http://127.0.0.1:${servicePort}/` };
  const step = (name: string): Promise<string> => ask(pair, 'thief', { step: name, ...known });
  assert.equal(await step('own'), `open ${database}`);
  for (const name of [
    'socket',
    'net',
    'ip',
    'credentials',
    'half',
    'string',
    'database',
    'path',
    'host',
    'unix',
    'http',
    'files',
    'service',
    'native',
    'frames',
  ]) {
    const said = await step(name);
    assert.match(said, /^(?:refused[^,]*)(?:,refused[^,]*)*$/, name);
    assert.doesNotMatch(said, new RegExp(password), name);
  }
  assert.match(await step('credentials'), /^refused 28/);
  const env = await step('env');
  for (const name of ['API', 'HOME', 'TMPDIR', 'PGPASSWORD']) assert.ok(!env.includes(`"${name}"`), env);
});
