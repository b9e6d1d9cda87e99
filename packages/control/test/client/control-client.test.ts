// The client against a real API: pages, refusals, and servers that are no edge.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { ClientError, ControlClient } from '../../src/client/index.ts';
import { createApiBench, token } from '../support/api-bench.ts';

const fails =
  (code: string, text: string) =>
  (error: unknown): boolean =>
    error instanceof ClientError && error.code === code && error.message.includes(text) && error.remedy !== '';

test('a list is read to its end', { timeout: 60_000 }, async (t) => {
  const { api, control } = await createApiBench(t);
  const { id: tunnel_id } = await control.tunnels.create({ name: 'a' });
  for (let index = 0; index < 1005; index += 1) {
    await control.routes.ip.create({ network: `10.0.${index >> 8}.${index & 255}/32`, tunnel_id });
  }
  const client = new ControlClient({ url: api.url, token, account: 'default', source: 'the test' });
  assert.equal((await client.list(client.account('teamnet/routes'))).length, 1005);
  assert.equal((await client.list(client.account('teamnet/routes'), { comment: 'none' })).length, 0);
});

test('a refusal keeps the code, text and remedy of the edge', async (t) => {
  const { api } = await createApiBench(t);
  const client = new ControlClient({ url: api.url, token, account: 'acc', source: 'the test' });
  const create = (name: string): Promise<unknown> =>
    client.call('POST', client.account('cfd_tunnel'), { body: { name } });
  await create('a');
  await assert.rejects(create('a'), fails('already_exists', 'tunnel with name already exists'));
  await assert.rejects(create(''), fails('invalid_value', 'may not be empty'));
  const stranger = new ControlClient({ url: api.url, token: `${token}x`, account: 'acc', source: 'FILE' });
  await assert.rejects(
    stranger.list('/user/tokens/verify'),
    fails('unauthorized', 'does not accept the token from FILE'),
  );
  await api.close();
  await assert.rejects(create('b'), fails('edge_unreachable', `${api.url} (from the test): `));
});

test('a server that is no edge is said to be none, and gets no token by redirecting', async (t) => {
  const answers: [status: number, headers: Record<string, string>, body: string][] = [
    [200, {}, 'hello'],
    [200, {}, 'null'],
    [200, {}, '{"ok":true}'],
    [502, {}, '<html>'],
  ];
  const { api } = await createApiBench(t);
  let redirect = false;
  const server = createServer((_, response) => {
    if (redirect) response.writeHead(307, { location: `${api.url}/user/tokens/verify` }).end();
    else {
      const [status, headers, body] = answers.shift()!;
      response.writeHead(status, headers).end(body);
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = new ControlClient({ url, token, account: 'acc', source: 'the test' });
  while (answers.length > 0) await assert.rejects(client.list('/x'), fails('unexpected_answer', url));
  redirect = true;
  await assert.rejects(client.call('GET', '/user/tokens/verify'), fails('edge_unreachable', 'redirect'));
});
