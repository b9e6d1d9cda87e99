// A shared connection that is never without work keeps nothing of what it answered.
import assert from 'node:assert/strict';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { needs } from '@sallyport/testkit';
import { Backend, Frontend } from '@sallyport/postgres-wire';
import type { Client } from 'pg';
import { dialTcp } from './dial.ts';
import { ManualClock } from './manual-clock.ts';
import { startSetup } from './pooler-setup.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

function memoryInUse(): number {
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** Ends of the messages of a type, in bytes that begin with a message; and how far whole messages go. */
function endsOf(type: number, bytes: Buffer): { ends: number[]; whole: number } {
  const ends: number[] = [];
  let at = 0;
  while (bytes.length - at >= 5) {
    const end = at + bytes.readUInt32BE(at + 1) + 1;
    if (end > bytes.length) break;
    if (bytes[at] === type) ends.push(end);
    at = end;
  }
  return { ends, whole: at };
}

/** A way to the origin. While it is busy, an answer comes only when another request is there to be answered. */
class BusyWay extends Duplex {
  readonly #origin: Duplex;
  #isBusy = false;
  #owed = 0;
  #came: Buffer = Buffer.alloc(0);
  #answers: Buffer[] = [];

  constructor(origin: Duplex) {
    super();
    this.#origin = origin;
    origin.on('data', (chunk: Buffer) => {
      if (this.#isBusy) this.#cut(Buffer.concat([this.#came, chunk]));
      else this.push(chunk);
    });
    origin.on('end', () => this.push(null)).on('error', (error) => this.destroy(error));
  }

  set isBusy(isBusy: boolean) {
    this.#isBusy = isBusy;
    this.#give();
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.#isBusy) this.#owed += endsOf(Frontend.Query, chunk).ends.length;
    this.#give();
    this.#origin.write(chunk, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#origin.end(() => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#origin.destroy();
    done(error);
  }

  #cut(bytes: Buffer): void {
    let start = 0;
    for (const end of endsOf(Backend.ReadyForQuery, bytes).ends) {
      this.#answers.push(bytes.subarray(start, end));
      start = end;
    }
    this.#came = Buffer.from(bytes.subarray(start));
    this.#give();
  }

  #give(): void {
    while (this.#answers.length > 0 && (this.#owed > 1 || !this.#isBusy)) {
      this.#owed -= 1;
      this.push(this.#answers.shift());
    }
  }
}

test('A shared connection that is never without work keeps nothing of what it answered', async (t) => {
  if (!needs(t, 'postgres')) return;
  let way: BusyWay | undefined;
  const { pooler, client, direct } = await startSetup(t, {
    pool: { maxConnections: 1, maxLanes: 1 },
    // No time passes: every read is fast, and none is held up.
    clock: new ManualClock(),
    dial: async (port, signal) => (way = new BusyWay(await dialTcp(port, signal))),
  });
  await (await direct()).query('create table item as select 1 as id');
  // What is kept of each shows.
  const text = `select id from item /* ${'x'.repeat(1_900)} */`;
  const one = await client();
  const other = await client();
  while (pooler.metrics.sharedQueries === 0) await one.query(text);

  const rounds = 3_000;
  const shared = pooler.metrics.sharedQueries;
  const inUse: number[] = [];
  const ask = async (asking: Client): Promise<void> => {
    for (let round = 0; round < rounds; round += 1) {
      await asking.query(text);
      if (asking === one && (round === 500 || round === rounds - 1)) inUse.push(memoryInUse());
    }
    way!.isBusy = false;
  };
  way!.isBusy = true;
  await Promise.all([ask(one), ask(other)]);
  assert.equal(pooler.metrics.sharedQueries - shared, 2 * rounds);
  const kept = (inUse[1]! - inUse[0]!) / 2 ** 20;
  assert.ok(kept < 2, `${kept.toFixed(1)} MiB`);
});
