// The pages of docs/guide do what they say, against real servers.
import { test, type TestContext } from 'node:test';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { needs, startOpenssh, startPeer, startPostgres, startRedis, testAuthority, use } from '@sallyport/testkit';
import { SMTPServer } from 'smtp-server';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { Client } from 'pg';
import { followGuide } from './follow.ts';
import { replacePorts } from './ports.ts';

/** A shop's database, and what stands for it in a page. */
async function startShop(t: TestContext): Promise<Record<string, string>> {
  const { port, user, password, database } = await use(t, startPostgres());
  const client = new Client({ host: '127.0.0.1', port, user, password, database });
  await client.connect();
  await client.query("CREATE TABLE items AS VALUES ('apple', 12), ('pear', 7)");
  await client.query('ALTER TABLE items RENAME column1 TO name; ALTER TABLE items RENAME column2 TO stock');
  await client.end();
  return { 'app:secret@': `${user}:${password}@`, '/shop': `/${database}`, 5432: String(port) };
}

/** The way a page starts `sallyport dev`, on a port of its own. */
async function onOwnPort(): Promise<Record<string, string>> {
  const { 8787: port = '' } = await replacePorts(8787);
  return { 'sallyport dev': `sallyport dev --port ${port}`, 'localhost:8787': `localhost:${port}` };
}

test('internal-database.md', async (t) => {
  if (!needs(t, 'postgres')) return;
  const shop = await startShop(t);
  await followGuide(t, 'internal-database', {
    replace: { ...shop, ...(await onOwnPort()), ...(await replacePorts(8080, 7844, 7845)) },
  });
});

test('starttls.md', async (t) => {
  const authority = await testAuthority();
  const { key, cert } = await authority.issue('good');
  const server = new SMTPServer({ key, cert, authOptional: true });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => new Promise<void>((resolve) => server.close(() => resolve())));
  const { port } = server.server.address() as AddressInfo;
  await followGuide(t, 'starttls', {
    replace: { 'localhost:587': `localhost:${port}`, ...(await replacePorts(8787, 8788)) },
    before: (_command, folder) => writeFile(join(folder, 'ca.pem'), authority.ca),
  });
});

test('multi-protocol-gateway.md', async (t) => {
  if (!needs(t, 'postgres') || !needs(t, 'redis') || !needs(t, 'openssh')) return;
  const [redis, ssh, postgres] = [
    await use(t, startRedis({ password: '' })),
    await use(t, startOpenssh()),
    await use(t, startPostgres()),
  ];
  await followGuide(t, 'multi-protocol-gateway', {
    replace: {
      '127.0.0.1:6379': `127.0.0.1:${redis.port}`,
      '127.0.0.1:2222': `127.0.0.1:${ssh.port}`,
      '127.0.0.1:5432': `127.0.0.1:${postgres.port}`,
      ...(await onOwnPort()),
    },
  });
});

test('validated-destinations.md', async (t) => {
  const { port } = await use(t, startPeer('echo'));
  await followGuide(t, 'validated-destinations', {
    replace: { '10.0.3.7': '127.0.0.1', 5432: String(port), ...(await replacePorts(8080, 7844, 7845)) },
  });
});

test('moving.md', async (t) => {
  if (!needs(t, 'postgres')) return;
  const shop = await startShop(t);
  await followGuide(t, 'moving', {
    replace: { ...shop, ...(await onOwnPort()), ...(await replacePorts(8080, 7844, 7845)) },
  });
});

test('node-modules.md', async (t) => {
  if (!needs(t, 'redis')) return;
  const authority = await testAuthority();
  const { port } = await use(t, startRedis({ password: '', tls: { certificate: await authority.issue('good') } }));
  await followGuide(t, 'node-modules', {
    replace: { 6380: String(port), ...(await onOwnPort()) },
    before: (_command, folder) => writeFile(join(folder, 'ca.pem'), authority.ca),
  });
});

test('private-api.md', async (t) => {
  const server = createServer(async (request, response) => {
    const body = await text(request);
    const asked = `${request.method} ${request.url} for ${request.headers.host}`;
    response.end(body === '' ? `${asked}\n` : `${asked}: ${body}\n`);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => void server.close());
  const { port } = server.address() as AddressInfo;
  await followGuide(t, 'private-api', { replace: { 8000: String(port), ...(await replacePorts(8080, 7844, 7845)) } });
});
