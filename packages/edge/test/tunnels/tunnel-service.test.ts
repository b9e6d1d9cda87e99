// The edge's tunnels on their own: what is kept from start to start, who is let in, and what the API lets through.
import assert from 'node:assert/strict';
import { chmod, copyFile, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { X509Certificate } from 'node:crypto';
import { test, type TestContext } from 'node:test';
import { use } from '@sallyport/testkit';
import { type Agent, decodeToken, parseTunnelConfig, startAgent, type TunnelCredentials } from '@sallyport/tunnel';
import { RemoteTunnels, type TunnelEvent, TunnelService } from '../../src/index.ts';
import { openAuthority } from '../../src/tunnels/authority.ts';
import type { Explain } from '../../src/tunnels/explain.ts';
import { openControlToken } from '../../src/tunnels/state-directory.ts';
import { temporaryFolder } from '../support/dev-bench.ts';
import { Recorder } from '../support/recorder.ts';
import { startEcho } from '../support/tunnel-bench.ts';

interface Started {
  service: TunnelService;
  events: Recorder<TunnelEvent>;
  link(name: string): Promise<TunnelEvent>;
}

async function startService(
  t: TestContext,
  folder: string,
  port = 0,
  explain: Explain = async () => ({ workers: [] }),
): Promise<Started> {
  const events = new Recorder<TunnelEvent>();
  const service = await use(
    t,
    TunnelService.start({
      stateDirectory: folder,
      listen: { host: '127.0.0.1', port },
      control: { host: '127.0.0.1', port: 0 },
      explain,
      onEvent: events.add,
    }),
  );
  const link = (name: string) => events.next((event) => event.type === 'link-registered' && event.tunnel === name);
  return { service, events, link };
}

async function credentialsOf(service: TunnelService, id: string): Promise<TunnelCredentials> {
  const answer = await fetch(`${service.controlUrl}/accounts/default/cfd_tunnel/${id}/token`, {
    headers: { authorization: `Bearer ${service.controlToken}` },
  });
  return decodeToken(((await answer.json()) as { result: string }).result);
}

function connect(
  t: TestContext,
  credentials: TunnelCredentials,
  yaml = 'ingress: [{ service: hello_world }]',
): Promise<Agent> {
  const { config } = parseTunnelConfig(yaml, { file: 'config.yml' });
  return use(t, startAgent({ credentials, config, links: 1, metrics: false }));
}

test('an edge that comes back takes its connectors back, with the tokens they have', async (t) => {
  const folder = await temporaryFolder(t);
  const first = await startService(t, folder);
  const { id } = await first.service.control.tunnels.create({ name: 'office' });
  await connect(t, await credentialsOf(first.service, id));
  await first.link('office');
  const { port } = first.service;
  await first.service.close();
  const second = await startService(t, folder, port);
  const began = performance.now();
  await second.link('office');
  assert.ok(performance.now() - began < 3_000, 'within three seconds');
  assert.equal(second.service.control.tunnels.find('office')?.id, id);
});

test("a wrong secret, another edge's token and a deleted tunnel are refused, and nothing happens to other tunnels", async (t) => {
  const { service, events, link } = await startService(t, await temporaryFolder(t));
  const other = await startService(t, await temporaryFolder(t));
  const { tunnels } = service.control;
  const good = await tunnels.create({ name: 'good' });
  const bad = await tunnels.create({ name: 'bad' });
  await connect(t, await credentialsOf(service, good.id));
  await link('good');
  const before = service.registry.links(good.id)[0];
  const credentials = await credentialsOf(service, bad.id);
  const refused = async (): Promise<string> => {
    const event = await events.next<Extract<TunnelEvent, { type: 'link-refused' }>>(
      ({ type }) => type === 'link-refused',
    );
    return event.error.code;
  };
  await connect(t, { ...credentials, secret: (await credentialsOf(service, good.id)).secret });
  assert.equal(await refused(), 'unauthorized', "a second tunnel's secret");
  await tunnels.delete(bad.id);
  await connect(t, credentials);
  assert.equal(await refused(), 'unauthorized', 'a deleted tunnel');
  const foreign = await other.service.control.tunnels.create({ name: 'foreign' });
  const theirs = await credentialsOf(other.service, foreign.id);
  await connect(t, { ...theirs, edges: [`127.0.0.1:${service.port}`] });
  assert.match(await refused(), /protocol_error|unauthorized|link_lost/, "another edge's authority");
  assert.equal(service.registry.links(good.id)[0], before);
  assert.equal(before?.live, true);
});

test('a new secret ends the links of the old one, and only the new one is let in', async (t) => {
  const { service, events, link } = await startService(t, await temporaryFolder(t));
  const { tunnels } = service.control;
  const { id } = await tunnels.create({ name: 'office' });
  await connect(t, await credentialsOf(service, id));
  await link('office');
  await tunnels.update(id, { secret: Buffer.alloc(32, 9) });
  await events.next(({ type }) => type === 'link-closed');
  await connect(t, await credentialsOf(service, id));
  await link('office');
});

test('the state directory is private, and so is all that matters in it', async (t) => {
  const folder = join(await temporaryFolder(t), 'state');
  const { service } = await startService(t, folder);
  assert.equal((await stat(folder)).mode & 0o777, 0o700);
  for (const name of await readdir(folder)) {
    if (name === 'ca.pem') continue;
    assert.equal((await stat(join(folder, name))).mode & 0o077, 0, name);
  }
  await service.close();
  assert.ok(!(await readdir(folder)).includes('control.json'));
});

test('the authority stays, its certificates begin in the past, and a readable key is refused', async (t) => {
  const folder = await temporaryFolder(t);
  const all = await Promise.all(Array.from({ length: 4 }, () => openAuthority(folder)));
  assert.equal(new Set(all.map(({ ca }) => ca)).size, 1, 'edges that start at once share one authority');
  const { ca, cert } = all[0]!;
  const leaf = new X509Certificate(cert);
  assert.ok(leaf.verify(new X509Certificate(ca).publicKey));
  assert.ok(Date.parse(leaf.validFrom) < Date.now() - 6 * 86_400_000, 'a clock may be days behind');
  await chmod(join(folder, 'ca.key'), 0o644);
  await assert.rejects(openAuthority(folder), { code: 'authority_invalid' });
});

test('a key that is lost, or that is not the key of the authority, is told instead of replaced', async (t) => {
  const [folder, other] = [await temporaryFolder(t), await temporaryFolder(t)];
  const { ca } = await openAuthority(folder);
  const key = await readFile(join(folder, 'ca.key'));
  await rm(join(folder, 'ca.key'));
  await assert.rejects(openAuthority(folder), { code: 'authority_invalid', message: /ca\.key is missing/ });
  await openAuthority(other);
  await copyFile(join(other, 'ca.key'), join(folder, 'ca.key'));
  await assert.rejects(openAuthority(folder), { code: 'authority_invalid', message: /ca\.key is not the key of/ });
  await writeFile(join(folder, 'ca.key'), key);
  assert.equal((await openAuthority(folder)).ca, ca);
});

test('edges that start at once share one control token; one that others may read is refused', async (t) => {
  const folder = await temporaryFolder(t);
  const tokens = await Promise.all(Array.from({ length: 4 }, () => openControlToken(folder)));
  assert.equal(new Set(tokens).size, 1);
  const file = join(folder, 'control.token');
  await chmod(file, 0o644);
  await assert.rejects(openControlToken(folder), { code: 'state_unusable', message: /others may read/ });
  await chmod(file, 0o600);
  await writeFile(file, '\n');
  await assert.rejects(openControlToken(folder), { code: 'state_unusable', message: /holds no token/ });
});

const outOfOrder: Explain = () => Promise.reject(new Error('out of order'));

test('a failure of the edge behind its control API is told to the edge too', async (t) => {
  const { service, events } = await startService(t, await temporaryFolder(t), 0, outOfOrder);
  const answer = await fetch(`${service.controlUrl}/accounts/default/sallyport/explain?destination=a:1`, {
    headers: { authorization: `Bearer ${service.controlToken}` },
  });
  assert.equal(answer.status, 500);
  assert.ok(!(await answer.text()).includes('out of order'));
  const failed = await events.next<Extract<TunnelEvent, { type: 'control-failed' }>>(
    ({ type }) => type === 'control-failed',
  );
  assert.equal(failed.error.message, 'out of order');
});

test('CONNECT at the control API leads into tunnels only, and only with the token', async (t) => {
  const { service, link } = await startService(t, await temporaryFolder(t));
  const port = await startEcho(t);
  const { id } = await service.control.tunnels.create({ name: 'office' });
  await service.control.routes.hostnames.create({ hostname: 'echo.internal', tunnel_id: id });
  await connect(
    t,
    await credentialsOf(service, id),
    `ingress:\n  - { hostname: echo.internal, service: "tcp://127.0.0.1:${port}" }\n  - { service: hello_world }`,
  );
  await link('office');
  const ask = async (path: string, token = service.controlToken): Promise<{ status: number; socket: Socket }> => {
    const asked = request(service.controlUrl, {
      method: 'CONNECT',
      path,
      headers: { 'proxy-authorization': `Bearer ${token}` },
      agent: false,
    }).end();
    const [answer, socket] = (await once(asked, 'connect')) as [{ statusCode: number }, Socket];
    t.after(() => socket.destroy());
    return { status: answer.statusCode, socket };
  };
  const { status, socket } = await ask(`echo.internal:${port}`);
  assert.equal(status, 200);
  socket.end('hello');
  let heard = '';
  for await (const chunk of socket) heard += String(chunk);
  assert.equal(heard, 'hello');
  assert.equal((await ask(`127.0.0.1:${port}`)).status, 502);
  assert.equal((await ask('nonsense')).status, 502);
  assert.equal((await ask(`echo.internal:${port}`, 'wrong')).status, 407);
});

test('routes of another edge are followed, and its absence is told once', async (t) => {
  const folder = await temporaryFolder(t);
  const { service } = await startService(t, folder);
  const { id } = await service.control.tunnels.create({ name: 'office' });
  const lab = await service.control.networks.create({ name: 'lab' });
  await service.control.routes.ip.create({ network: '10.0.0.0/8', tunnel_id: id });
  await service.control.routes.ip.create({ network: '10.1.0.0/16', tunnel_id: id });
  await service.control.routes.ip.create({ network: '192.168.0.0/16', tunnel_id: id, virtual_network_id: lab.id });
  await service.control.routes.hostnames.create({ hostname: '*.internal', tunnel_id: id });
  const access = { url: service.controlUrl, token: service.controlToken, account: 'default', source: 'test' };
  const failures = new Recorder<Error>();
  const remote = await RemoteTunnels.start(access, { failed: failures.add });
  t.after(() => remote[Symbol.dispose]());
  assert.equal(remote.routes.forAddress('10.1.2.3')?.match, '10.1.0.0/16');
  assert.equal(remote.routes.forAddress('10.2.2.3')?.match, '10.0.0.0/8');
  assert.equal(remote.routes.forAddress('192.168.0.1'), undefined, 'of another network');
  assert.equal(remote.routes.forName('db.internal')?.tunnelName, 'office');
  assert.equal(remote.routes.forName('internal'), undefined);
  await service.close();
  assert.match((await failures.next(() => true)).message, /does not answer/);
  assert.equal(remote.routes.forName('db.internal')?.tunnelName, 'office', 'what was read last stays');
  await assert.rejects(RemoteTunnels.start(access, { failed: failures.add }), { code: 'edge_unreachable' });
});

test('a state directory that cannot be made is told, also where the system says it is not there', async (t) => {
  for (const folder of ['/proc/nope', '/proc/nope/deeper', '/dev/null/state']) {
    await assert.rejects(startService(t, folder), { code: 'state_unusable' });
  }
  const deep = join(await temporaryFolder(t), 'a/b/c');
  await startService(t, deep);
  assert.ok((await readdir(deep)).includes('ca.pem'));
});
