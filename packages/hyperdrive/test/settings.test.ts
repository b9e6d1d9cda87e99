// Settings that a client asks for when it logs in are its own: the next client on the same connection has none of them.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { startSetup } from './pooler-setup.ts';

it('A role that one client asked for at its start is not the role of the next', async (t) => {
  const { client, direct, server } = await startSetup(t, { pool: { maxConnections: 1 } });
  const admin = await direct();
  await admin.query('create role reader; grant reader to current_user');
  t.after(() => admin.query('drop role reader').catch(() => {}));
  const whoIs = "select current_user::text as who, current_setting('timezone') as zone";
  const asReader = await client({ options: '-c role=reader -c timezone=Asia/Tokyo' });
  assert.deepEqual((await asReader.query(whoIs)).rows, [{ who: 'reader', zone: 'Asia/Tokyo' }]);
  const plain = await client();
  const { rows } = await plain.query(whoIs);
  assert.equal(rows[0].who, server.user);
  assert.notEqual(rows[0].zone, 'Asia/Tokyo');
  assert.deepEqual((await asReader.query(whoIs)).rows, [{ who: 'reader', zone: 'Asia/Tokyo' }]);
});
