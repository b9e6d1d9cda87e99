// What is read from the origin passes through memory that is used again. Nobody gets a byte that was meant for another or
// that came later, whatever it and the others do: read slowly, leave, cancel, fail, copy, share, or hit the cache.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { needs } from '@sallyport/testkit';
import * as wire from '@sallyport/postgres-wire';
import { startCacheSetup } from './cache/cache-setup.ts';
import { ownCredentials } from './pooler-setup.ts';
import { cancelRaw } from './raw-client.ts';

const { Backend } = wire;
const { user, database } = ownCredentials;
const queryCanceled = '57014';
const divisionByZero = '22012';
const everything = wire.defineInspection({ side: 'backend', inspect: Object.values(Backend), wholeUpTo: 2 ** 22 });

type Random = (below: number) => number;

/** The same numbers for the same seed [mulberry32]. */
function createRandom(seed: number): Random {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

/** What a row says: unlike any other of any request. */
function lineOf(tag: string, row: number, times: number): string {
  return createHash('md5').update(`${tag} ${row}`).digest('hex').repeat(times);
}

const lineIn = (tag: string, row: string, times: number): string => `repeat(md5('${tag} ' || ${row}), ${times})`;

/** A request and what has to come: lines 1 to `count`, in order, and then an error or none. */
interface Request {
  messages: Buffer[];
  tag: string;
  count: number;
  times: number;
  /** The error that ends it. */
  fails?: string;
  /** Behind which line the client wants it cancelled, or leaves. */
  cancelsAt?: number;
  leavesAt?: number;
}

class Reader {
  readonly #port: number;
  readonly #random: Random;
  #socket!: Socket;
  #key!: { processId: number; secretKey: Buffer };
  #message: (message: Buffer) => void = () => {};
  #failed: (error: unknown) => void = () => {};

  constructor(port: number, random: Random) {
    this.#port = port;
    this.#random = random;
  }

  async connect(): Promise<void> {
    const socket = connect({ port: this.#port, host: '127.0.0.1', noDelay: true });
    this.#socket = socket;
    socket.on('error', () => {});
    socket.on('close', () => this.#failed(new Error('the connection was closed')));
    const reader = new wire.MessageReader(
      {
        message: (_type, bytes, start, end) => {
          this.#message(bytes.subarray(start, end));
          return false;
        },
        large: () => assert.fail('a message without end'),
        pass: () => {},
      },
      everything,
    );
    socket.on('data', (chunk: Buffer) => {
      try {
        reader.push(chunk);
      } catch (error) {
        this.#failed(error);
      }
      if (this.#random(3) === 0) this.#rest(this.#random(30));
    });
    await once(socket, 'connect');
    socket.write(wire.toStartupMessage({ user, database }));
    await this.#untilReady((message) => {
      if (message[0] === Backend.BackendKeyData) this.#key = wire.parseBackendKeyData(message);
    });
  }

  /** Reads nothing for some turns of the event loop. */
  #rest(turns: number): void {
    this.#socket.pause();
    const turn = (): void => {
      turns -= 1;
      if (turns > 0) setImmediate(turn);
      else this.#socket.resume();
    };
    setImmediate(turn);
  }

  async ask({ messages, tag, count, times, ...ends }: Request): Promise<void> {
    let lines = 0;
    let error: string | undefined;
    let cancelled: Promise<void> | undefined;
    const line = (text: string): void => {
      lines += 1;
      // Not assert.equal: it would print megabytes.
      assert.ok(text === lineOf(tag, lines, times), `line ${lines} of ${tag}`);
      if (lines === ends.cancelsAt) cancelled = cancelRaw(this.#port, { key: this.#key });
      if (lines === ends.leavesAt) this.#leave();
    };
    const answered = this.#untilReady((message) => {
      switch (message[0]) {
        case Backend.DataRow:
          assert.equal(message.readUInt32BE(7), message.length - 11);
          line(message.toString('latin1', 11));
          break;
        case Backend.CopyData:
          assert.equal(message.at(-1), 0x0a);
          line(message.toString('latin1', 5, message.length - 1));
          break;
        case Backend.NoticeResponse:
          line(wire.parseReport(message).message ?? '');
          break;
        case Backend.ErrorResponse:
          error = wire.sqlstateOf(message);
          break;
        default:
      }
    });
    this.#socket.write(Buffer.concat(messages));
    if (ends.leavesAt !== undefined) {
      await assert.rejects(answered, { message: 'the connection was closed' });
      await this.connect();
      return;
    }
    await answered;
    await cancelled;
    if (ends.cancelsAt === undefined || error === undefined) assert.equal(error, ends.fails, tag);
    else assert.equal(error, queryCanceled);
    if (error !== queryCanceled) assert.equal(lines, count, tag);
  }

  close(): void {
    this.#failed = () => {};
    this.#leave();
  }

  /** What is in the chunk still is not heard. */
  #leave(): void {
    this.#message = () => {};
    this.#socket.destroy();
  }

  #untilReady(message: (message: Buffer) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#failed = reject;
      this.#message = (each) => {
        message(each);
        if (each[0] === Backend.ReadyForQuery) resolve();
      };
    });
  }
}

const pages = 6;
const pageLength = 4_000;

/** One of everything that may be asked; a tag is used once, but for what may be cached. */
function toRequest(tag: string, random: Random, isQuiet: boolean): Request {
  const count = 1 + random(3_000);
  const times = 1 + random(60);
  const rows = `select ${lineIn(tag, 'i', times)} from generate_series(1, ${count}) i`;
  const simple = (sql: string, more: Partial<Request> = {}): Request => {
    return { messages: [wire.toQuery(sql)], tag, count, times, ...more };
  };
  switch (random(9)) {
    case 0:
      return simple(rows);
    case 1: {
      const execute = [wire.toBind({}), wire.toDescribe('portal', ''), wire.toExecute(''), wire.toSync()];
      return { messages: [wire.toParse({ query: rows }), ...execute], tag, count, times };
    }
    case 2:
      return simple(`copy (${rows}) to stdout`);
    case 3:
      return simple(`select ${lineIn(tag, '1', 60_000)}`, { count: 1, times: 60_000 });
    case 4:
      // The rows before it are on their way already.
      return simple(
        `select case when i > ${count} then (1 / (i - i))::text else ${lineIn(tag, 'i', times)} end
        from generate_series(1, ${count + 1}) i`,
        { fails: divisionByZero },
      );
    case 5:
      // What it may write is not known, so that nothing that is kept is good after it.
      if (isQuiet) return simple(rows);
      return simple(
        `do $$ begin for i in 1..${count} loop raise notice '%', ${lineIn(tag, 'i', times)}; end loop; end $$`,
      );
    case 6:
      return simple(rows, random(2) === 0 ? { cancelsAt: 1 + random(count) } : { leavesAt: 1 + random(count) });
    case 7: {
      const page = random(pages);
      return simple(`select body from page where id = ${page}`, { tag: `page ${page}`, count: 1, times: pageLength });
    }
    default: {
      const word = random(1_000);
      return simple(`select word from word where id = ${word}`, { tag: `word ${word}`, count: 1, times: 1 });
    }
  }
}

test('Nobody gets a byte that was meant for another, or that came later', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { port, prepare, pooler } = await startCacheSetup(t, {
    auth: 'trust',
    pool: { maxConnections: 4, maxLanes: 2 },
    caching: { maxAge: 0, staleWhileRevalidate: 60 },
  });
  await prepare(`
    create table page as select i as id, ${lineIn("page ' || i || '", '1', pageLength)} as body
      from generate_series(0, ${pages - 1}) i;
    create table word as select i as id, ${lineIn("word ' || i || '", '1', 1)} as word from generate_series(0, 999) i`);
  const readers = Array.from({ length: 10 }, (_, index) => ({
    name: `client ${index}`,
    random: createRandom(index + 1),
  }));
  await Promise.all(
    readers.map(async ({ name, random }) => {
      const reader = new Reader(port, random);
      await reader.connect();
      for (let round = 0; round < 20; round += 1) await reader.ask(toRequest(`${name} ${round}`, random, round < 14));
      reader.close();
    }),
  );
  const { hit = 0, miss = 0 } = pooler.metrics.queriesByCacheStatus;
  assert.ok(hit > 0 && miss > 0, `${hit} hits, ${miss} misses`);
  assert.deepEqual(pooler.metrics.errors, {});
});
