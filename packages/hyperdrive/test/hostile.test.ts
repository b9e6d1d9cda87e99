// What a hostile client sends to a running pooler, the published bugs of other poolers among it: it is told, it is ended,
// and nobody else notices.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { needs } from '@sallyport/testkit';
import type { TestScope } from '@sallyport/testkit';
import * as wire from '@sallyport/postgres-wire';
import * as fc from 'fast-check';
import { connectClient } from './dial.ts';
import { ownCredentials, startSetup } from './pooler-setup.ts';
import type { Setup, SetupOptions } from './pooler-setup.ts';
import { connectRaw } from './raw-client.ts';

const { user, database } = ownCredentials;
const startup = wire.toStartupMessage({ user, database });

/** Sends one thing after the other, each after an answer to the one before it; returns what was said until the end. */
async function converse(port: number, ...sent: Buffer[]): Promise<Buffer> {
  const stream = await connectClient(port);
  const said: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => said.push(chunk));
  stream.on('error', () => {});
  const closed = once(stream, 'close');
  for (const [at, bytes] of sent.entries()) {
    if (at > 0) await once(stream, 'data');
    stream.write(bytes);
  }
  await closed;
  return Buffer.concat(said);
}

/** A pooler with a client that works before and after. */
async function besideGood(t: TestScope, options: SetupOptions, attack: (setup: Setup) => Promise<void>): Promise<void> {
  const setup = await startSetup(t, options);
  const good = await setup.client();
  await good.query('select 1');
  await attack(setup);
  assert.equal((await good.query('select 1')).rowCount, 1);
  while (setup.pooler.status.clients > 1) await new Promise((resolve) => setImmediate(resolve));
}

const header = (type: string, length: number): Buffer => {
  const bytes = Buffer.alloc(5);
  bytes.write(type, 'latin1');
  bytes.writeUInt32BE(length, 1);
  return bytes;
};
const message = (type: string, body: Buffer): Buffer => Buffer.concat([header(type, body.length + 4), body]);
const packetOf = (length: number, code: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32BE(length);
  bytes.writeUInt32BE(code, 4);
  return bytes;
};

test('A second StartupMessage in the middle of SCRAM is refused (CVE-2026-107350)', async (t) => {
  if (!needs(t, 'postgres')) return;
  await besideGood(t, {}, async ({ port }) => {
    const first = wire.toSaslInitialResponse('SCRAM-SHA-256', 'n,,n=,r=abcdefghijklmnop');
    for (const sent of [
      [startup, startup],
      [startup, Buffer.concat([startup, first])],
      [startup, first, startup],
      [startup, Buffer.concat([first, startup])],
    ]) {
      const said = (await converse(port, ...sent)).toString('latin1');
      assert.match(said, /SFATAL.*C08P01/s);
      assert.ok(!said.includes('R\0\0\0\x08\0\0\0\0'), 'it must not be let in');
    }
  });
});

test('An option without a name ends in an error and not in a loop (CVE-2026-107349)', async (t) => {
  if (!needs(t, 'postgres')) return;
  await besideGood(t, { auth: 'trust' }, async ({ port }) => {
    for (const options of ['-c=', '-c =', '-c', '--=', '--', '-c\\', '-c \\=', '-', ' -c  = ', '-c a=b -c=', '\\']) {
      const said = await converse(port, wire.toStartupMessage({ user, database, options }));
      assert.match(said.toString('latin1'), /SFATAL/, options);
    }
  });
});

test('Lengths that overflow are refused (CVE-2026-107348, CVE-2026-6668)', async (t) => {
  if (!needs(t, 'postgres')) return;
  const lengths = [0, 3, 0x7fff_ffff, 0x8000_0000, 0xffff_fffb, 0xffff_ffff];
  await besideGood(t, { auth: 'trust' }, async ({ port }) => {
    for (const length of lengths) {
      assert.match((await converse(port, packetOf(length, 196_608))).toString('latin1'), /SFATAL.*C08P01/s);
      for (const type of ['Q', 'P', 'B', 'E', 'D', 'C', 'd', 'p', 'S', 'F', '\0', 'ÿ']) {
        const said = await converse(port, startup, header(type, length));
        assert.match(said.toString('latin1'), /SFATAL.*C08P01/s, `${type} ${length}`);
      }
    }
  });
  await besideGood(t, { auth: 'cleartext' }, async ({ port }) => {
    for (const length of [...lengths, 70_000]) {
      assert.match((await converse(port, startup, header('p', length))).toString('latin1'), /SFATAL.*C08P01/s);
    }
  });
});

test('A start-up packet without an end, and one that is none, are refused', async (t) => {
  if (!needs(t, 'postgres')) return;
  await besideGood(t, { auth: 'trust' }, async ({ port }) => {
    const many = Object.fromEntries(Array.from({ length: 900 }, (_, n) => [`setting_${n}`, 'x'.repeat(20)]));
    for (const packet of [
      wire.toStartupMessage({ user, database, ...many }),
      packetOf(8, 0x0002_0000),
      packetOf(8, 0x0004_0000),
      packetOf(8, 196_608),
      Buffer.concat([packetOf(12, 196_608), Buffer.from('user')]),
      Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
      wire.toStartupMessage({ database }),
    ]) {
      assert.match((await converse(port, packet)).toString('latin1'), /SFATAL/);
    }
  });
});

test('Names and counts that do not fit their message are refused', async (t) => {
  if (!needs(t, 'postgres')) return;
  await besideGood(t, { auth: 'trust' }, async ({ port, pooler }) => {
    for (const bytes of [
      message('Q', Buffer.from('select 1')),
      message('P', Buffer.from('name')),
      message('P', Buffer.from('a\0select 1')),
      message('P', Buffer.from('a\0select 1\0\xff\xff', 'latin1')),
      message('B', Buffer.from('portal')),
      message('B', Buffer.from('\0\0\xff\xff', 'latin1')),
      message('D', Buffer.from('X\0')),
      message('D', Buffer.from('S')),
      message('C', Buffer.from('S')),
      message('E', Buffer.from('\0')),
      message('S', Buffer.from('more')),
      message('p', Buffer.from('again\0')),
      startup,
    ]) {
      // With a Sync behind it: what is not refused here, the database refuses, and then the client lives.
      const said = (await converse(port, startup, Buffer.concat([bytes, wire.toSync(), wire.toTerminate()]))).toString(
        'latin1',
      );
      assert.match(said, /C08P01|C22021|C22P03|C26000/, bytes.toString('latin1'));
    }
    assert.ok(pooler.status.connections <= 20);
  });
});

test('Random bytes, and messages with random bytes in them, harm nobody and leave nothing', async (t) => {
  if (!needs(t, 'postgres')) return;
  const messages = [
    wire.toQuery('select 1'),
    wire.toParse({ name: 'a', query: 'select $1::int' }),
    wire.toBind({ statement: 'a', parameters: [Buffer.from('1')] }),
    wire.toDescribe('statement', 'a'),
    wire.toExecute(),
    wire.toClose('statement', 'a'),
    wire.toCopyData(Buffer.from('x')),
    wire.toCopyDone(),
    wire.toSync(),
    wire.toFlush(),
  ];
  const mutated = fc
    .tuple(fc.shuffledSubarray(messages, { minLength: 1 }), fc.nat(), fc.nat({ max: 255 }), fc.boolean())
    .map(([some, at, byte, cuts]) => {
      const bytes = Buffer.concat(some);
      bytes[at % bytes.length] = byte;
      return cuts ? bytes.subarray(0, at % bytes.length) : bytes;
    });
  const anything = fc.oneof(
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    mutated,
  );
  const { client, port, pooler } = await startSetup(t, { auth: 'trust', pool: { maxConnections: 3 } });
  const good = await client();
  let round = 0;
  const memory: number[] = [];
  await fc.assert(
    fc.asyncProperty(fc.array(anything, { minLength: 1, maxLength: 5 }), fc.boolean(), async (pieces, isLoggedIn) => {
      if (isLoggedIn) {
        const raw = await connectRaw({ ...ownCredentials, port });
        for (const piece of pieces) raw.send(piece);
        // What is asked of the good client meanwhile is answered, and answered right.
        const asked = good.query({ name: 'mine', text: 'select $1::int as n', values: [round] });
        assert.deepEqual((await asked).rows, [{ n: round }]);
        raw.close();
      } else {
        const stream = await connectClient(port);
        stream.on('error', () => {});
        stream.resume();
        stream.write(Buffer.concat(pieces));
        assert.equal((await good.query('select 1')).rowCount, 1);
        stream.destroy();
      }
      round += 1;
      if (round % 100 === 0) memory.push(process.memoryUsage().rss / 2 ** 20);
    }),
    { numRuns: 400 },
  );
  while (pooler.status.clients > 1) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(pooler.status.waiting, 0);
  assert.ok(memory.at(-1)! - memory[0]! < 64, `${memory.map((mib) => mib.toFixed(0)).join(', ')} MiB`);
});
