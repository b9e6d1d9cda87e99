// A client that does not read stops the origin, and nothing piles up in between; nobody else is held up.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { needs } from '@sallyport/testkit';
import * as wire from '@sallyport/postgres-wire';
import { ownCredentials, startSetup } from './pooler-setup.ts';

const { user, database } = ownCredentials;

test('A result that its client does not read waits at the origin, not in the pooler', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { client, direct, port } = await startSetup(t, { auth: 'trust', pool: { maxConnections: 2 } });
  const watcher = await direct();
  const socket = connect({ port, host: '127.0.0.1' });
  t.after(() => void socket.destroy());
  await once(socket, 'connect');
  socket.write(wire.toStartupMessage({ user, database }));
  let received = 0;
  const seen = { readies: 0 };
  const reader = new wire.MessageReader(
    {
      message: (type) => {
        if (type === wire.Backend.ReadyForQuery) seen.readies += 1;
        return false;
      },
      large: () => false,
      pass: (bytes) => (received += bytes.length),
    },
    wire.defineInspection({ side: 'backend', inspect: [wire.Backend.ReadyForQuery] }),
  );
  socket.on('data', (chunk: Buffer) => reader.push(chunk));
  while (seen.readies === 0) await once(socket, 'data');
  socket.pause();
  // 256 MiB, in rows of 64 KiB.
  const rows = 4_096;
  const query = `select repeat('x', 65536) from generate_series(1, ${rows})`;
  const before = process.memoryUsage().rss;
  socket.write(wire.toQuery(query));
  const blocked = "select 1 from pg_stat_activity where wait_event = 'ClientWrite' and query = $1";
  while ((await watcher.query(blocked, [query])).rowCount === 0);
  const other = await client();
  assert.equal((await other.query('select 1')).rowCount, 1);
  assert.ok(process.memoryUsage().rss - before < 64 * 2 ** 20);
  socket.resume();
  while (seen.readies === 1) await once(socket, 'data');
  assert.ok(received > rows * 65_536);
});

test('What a client sends faster than the origin reads waits at the client', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { client, direct, port } = await startSetup(t, { auth: 'trust', pool: { maxConnections: 2 } });
  const admin = await direct();
  await admin.query('create table t (line text)');
  const socket = connect({ port, host: '127.0.0.1' });
  t.after(() => void socket.destroy());
  await once(socket, 'connect');
  socket.write(wire.toStartupMessage({ user, database }));
  await once(socket, 'data');
  // The origin cannot go on with the COPY while somebody else has the table.
  await admin.query('begin');
  await admin.query('lock table t');
  socket.write(wire.toQuery('copy t from stdin'));
  const data = wire.toCopyData(Buffer.from(`${'x'.repeat(65_534)}\n`));
  let sent = 0;
  while (socket.write(data) && sent < 10_000) sent += 1;
  // Kernel buffers are some megabytes; past them, the client has to wait.
  while (socket.writableLength < 32 * 2 ** 20) {
    socket.write(data);
    sent += 1;
    await new Promise((resolve) => setImmediate(resolve));
    if (sent > 2_000) break;
  }
  assert.ok(socket.writableLength > 16 * 2 ** 20, `${socket.writableLength} bytes wait at the client`);
  const other = await client();
  assert.equal((await other.query('select 1')).rowCount, 1);
  await admin.query('commit');
  socket.write(wire.toCopyDone());
  socket.resume();
  const counted = 'select count(*)::int as n from t';
  while (((await admin.query(counted)).rows[0] as { n: number }).n === 0);
});
