// A long answer to somebody who reads slowly: every byte arrives as it was sent, and the memory it passes through is
// used again instead of being left to the garbage collector.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { needs } from '@sallyport/testkit';
import * as wire from '@sallyport/postgres-wire';
import { ownCredentials, startSetup } from './pooler-setup.ts';

const { user, database } = ownCredentials;
const rowCount = 270_000;
const repeats = 30;
const ready = Buffer.from('Z\0\0\0\x05I', 'latin1');

/** The DataRows, each unlike the others. */
function hashOfRows(): string {
  const hash = createHash('sha1');
  const head = Buffer.alloc(11);
  const length = 32 * repeats;
  head.write('D', 'latin1');
  head.writeUInt32BE(4 + 2 + 4 + length, 1);
  head.writeUInt16BE(1, 5);
  head.writeUInt32BE(length, 7);
  for (let row = 1; row <= rowCount; row += 1) {
    hash.update(head);
    hash.update(createHash('md5').update(`${row}`).digest('hex').repeat(repeats));
  }
  return hash.digest('hex');
}

test('A long answer to a slow reader arrives whole, and passes through the same memory again and again', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { port } = await startSetup(t, { auth: 'trust', pool: { maxConnections: 1 } });
  // The reader has one buffer, so that what grows in this process is the pooler's.
  let read: ((bytes: Buffer) => void) | undefined;
  const socket = connect({
    port,
    host: '127.0.0.1',
    onread: {
      buffer: Buffer.alloc(16_384),
      callback: (length, buffer) => {
        read?.((buffer as Buffer).subarray(0, length));
        // Less in a turn of the event loop than the pooler can send in it: the answer has to wait.
        setImmediate(() => socket.resume());
        return false;
      },
    },
  });
  t.after(() => void socket.destroy());
  await once(socket, 'connect');
  const answered = (first: (bytes: Buffer) => void): Promise<void> =>
    new Promise((resolve) => {
      let tail = Buffer.alloc(0);
      read = (bytes) => {
        first(bytes);
        tail = Buffer.concat([tail, bytes.subarray(-ready.length)]).subarray(-ready.length);
        if (tail.equals(ready)) resolve();
      };
    });
  const loggedIn = answered(() => {});
  socket.write(wire.toStartupMessage({ user, database }));
  await loggedIn;

  const hash = createHash('sha1');
  let skip = -1;
  let left = rowCount * (11 + 32 * repeats);
  let peak = 0;
  const before = process.memoryUsage().arrayBuffers;
  const received = answered((bytes) => {
    peak = Math.max(peak, process.memoryUsage().arrayBuffers);
    // RowDescription is whole in the first bytes, and of no interest.
    if (skip < 0) skip = bytes.readUInt32BE(1) + 1;
    const rows = bytes.subarray(skip, skip + left);
    skip = Math.max(0, skip - bytes.length);
    left -= rows.length;
    hash.update(rows);
  });
  socket.write(wire.toQuery(`select repeat(md5(i::text), ${repeats}) from generate_series(1, ${rowCount}) i`));
  await received;
  // What the pooler says at its end is not part of the answer.
  read = undefined;
  assert.equal(left, 0);
  assert.equal(hash.digest('hex'), hashOfRows());
  const growth = (peak - before) / 2 ** 20;
  assert.ok(growth < 4, `${growth.toFixed(1)} MiB of buffers`);
});
