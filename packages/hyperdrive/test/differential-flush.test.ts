// As differential.test.ts, with clients that flush instead of syncing: they wait for answers in the middle of what only
// a Sync ends, leave there, copy there, or call functions that leave something in the session. Each has a table of its
// own: what is committed must be the same as straight.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needs } from '@sallyport/testkit';
import * as wire from '@sallyport/postgres-wire';
import * as fc from 'fast-check';
import { toPlain } from './differential-kit.ts';
import type { Plain } from './differential-kit.ts';
import { connectRaw } from './raw-client.ts';
import type { RawClient } from './raw-client.ts';
import { ownCredentials, startSetup } from './pooler-setup.ts';

const tables = ['t0', 't1', 't2'] as const;
const schema = `
${tables.map((table) => `create table ${table} (n int unique deferrable initially deferred);`).join('\n')}
create function login(who text) returns text language plpgsql as $$ begin return set_config('app.user', who, false); end $$;
create function lock_it(n int) returns void language sql as 'select pg_advisory_lock_shared(n)';
create function scratch() returns void language plpgsql as $$ begin create temp table if not exists pad (n int); end $$;
create function again() returns text language plpgsql as $$ begin return login('again'); end $$`;
const stateful = ["select login('me')", 'select lock_it(7)', 'select scratch()', 'select again()'];
/** What a client would see of somebody else's. */
const state = `select coalesce(nullif(current_setting('app.user', true), ''), '-'), (select count(*) from pg_locks where locktype = 'advisory'
  and pid = pg_backend_pid()), (select count(*) from pg_class where relnamespace = pg_my_temp_schema())`;

const textsOf = (table: string): string[] => [
  `insert into ${table} values (1)`,
  `insert into ${table} values (2) returning n`,
  `delete from ${table} where n = 1`,
  `select n from ${table} order by n`,
  'select generate_series(1, 3)',
  'select 1/0',
  'nonsense',
  '',
  'begin',
  'commit',
  'rollback',
  state,
  state,
];

interface Step {
  messages: Buffer[];
  /** Flushes, and waits for all answers before it goes on. */
  waits: boolean;
  /** And before that: whether an error skipped the Parse of what it binds has to be known (DESIGN.md, known differences). */
  waitsFirst?: boolean;
}
interface Script {
  steps: Step[];
  end: 'sync' | 'terminate' | 'vanish';
}

const name = fc.constantFrom('', '', 'a', 'b');
const toParse = (statement: string, query: string): Buffer => wire.toParse({ name: statement, query });
const toRun = (statement: string, rows = 0): Buffer[] => [wire.toBind({ statement }), wire.toExecute('', rows)];

function copyOf(table: string): fc.Arbitrary<Step> {
  const text = `copy ${table} from stdin`;
  const begin = fc.constantFrom<Buffer[]>(
    [toParse('', text), ...toRun(''), wire.toSync()],
    [toParse('', text), ...toRun('')],
    [wire.toQuery(text)],
  );
  // No Bind after that begins another, which other requests might be lost in.
  const end = fc.constantFrom<Buffer[]>(
    [wire.toCopyDone(), wire.toParse({ query: '' })],
    [wire.toCopyFail('enough'), wire.toSync(), wire.toParse({ query: '' })],
  );
  return fc
    .tuple(begin, end)
    .map(([first, last]) => ({ messages: [...first, wire.toCopyData(Buffer.from('5\n')), ...last], waits: true }));
}

function stepOf(table: string): fc.Arbitrary<Step> {
  const text = fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom(...textsOf(table)) },
    { weight: 1, arbitrary: fc.constantFrom(...stateful) },
  );
  const parts: fc.Arbitrary<Buffer[]> = fc.oneof(
    fc.tuple(name, text).map(([statement, query]) => [toParse(statement, query)]),
    fc.tuple(name, text).map(([one, query]) => [toParse(one, query), wire.toDescribe('statement', one)]),
    fc.tuple(name, text).map(([statement, query]) => [toParse(statement, query), ...toRun(statement)]),
    fc.constant<Buffer[]>([wire.toExecute('', 1)]),
  );
  const ends = fc.constantFrom<'flush' | 'sync' | 'nothing'>('flush', 'flush', 'sync', 'nothing');
  const plain = fc.tuple(parts, ends, fc.boolean()).map(([messages, end, waits]) => ({
    messages: end === 'nothing' ? messages : [...messages, end === 'sync' ? wire.toSync() : wire.toFlush()],
    waits,
  }));
  const whole = fc
    .tuple(name, fc.constantFrom(`select n from ${table} order by n`, 'select 1 as one', 'select 1/0'), fc.boolean())
    .map(([statement, query, isParsed]) => ({
      messages: [...(isParsed ? [toParse(statement, query)] : []), ...toRun(statement), wire.toSync()],
      waits: true,
      waitsFirst: !isParsed,
    }));
  const again = fc.tuple(name, fc.constantFrom(0, 1), fc.boolean()).map(([statement, rows, waits]) => ({
    messages: toRun(statement, rows),
    waits,
    waitsFirst: true,
  }));
  // Waited for, as it ends the unnamed statement only then (DESIGN.md, known differences).
  const simple = text.map((query) => ({ messages: [wire.toQuery(query)], waits: true }));
  return fc.oneof(
    { weight: 10, arbitrary: plain },
    { weight: 2, arbitrary: simple },
    { weight: 2, arbitrary: whole },
    { weight: 2, arbitrary: again },
    { weight: 1, arbitrary: copyOf(table) },
  );
}

const scripts: fc.Arbitrary<Script[]> = fc.tuple(
  ...tables.map((table) =>
    fc.record({
      steps: fc.array(stepOf(table), { maxLength: 10 }),
      end: fc.constantFrom<Script['end']>('sync', 'sync', 'terminate', 'vanish'),
    }),
  ),
);

/** Plays a script. What it waits for it knows from a tracker: whether a COPY swallows a Sync, what an error skips. */
class Player {
  readonly answers: Plain[] = [];
  readonly #client: RawClient;
  readonly #tracker = new wire.PipelineTracker<never>();

  constructor(client: RawClient) {
    this.#client = client;
  }

  async play({ steps, end }: Script): Promise<void> {
    for (const { messages, waits, waitsFirst = false } of steps) {
      if (waitsFirst) await this.#wait();
      this.#send(...messages);
      if (waits) await this.#wait();
    }
    if (end === 'sync') this.#send(wire.toSync(), wire.toQuery('rollback'));
    // Bytes that nobody reads any more may take the requests behind them along.
    if (end !== 'terminate') await this.#wait();
    if (end === 'vanish') this.#client.close();
    else await this.#client.leave();
  }

  #send(...messages: Buffer[]): void {
    for (const [type] of messages) if (wire.trackedRequests.includes(type!)) this.#tracker.sent(type!);
    this.#client.send(...messages);
  }

  async #wait(): Promise<void> {
    // Behind a Sync it would be no whole request any more, which the cache and lanes take.
    if (this.#tracker.inTransaction) this.#send(wire.toFlush());
    while (this.#tracker.outstanding > 0) {
      const reply = await this.#client.next();
      if (reply === undefined) return;
      this.#take(reply);
    }
  }

  #take(reply: Buffer): void {
    const type = reply[0]!;
    this.answers.push(toPlain(reply));
    const status = type === wire.Backend.ReadyForQuery ? wire.parseReadyForQuery(reply) : undefined;
    if (wire.trackedReplies.includes(type)) this.#tracker.received(type, status);
  }
}

interface Where {
  port: number;
  user: string;
  database: string;
}

async function playAll(all: Script[], where: Where): Promise<{ answers: Plain[][]; pids: number[] }> {
  const players = await Promise.all(
    all.map(async (script) => {
      const client = await connectRaw(where);
      const player = new Player(client);
      await player.play(script);
      return { answers: player.answers, pid: client.key!.processId };
    }),
  );
  return { answers: players.map(({ answers }) => answers), pids: players.map(({ pid }) => pid) };
}

test('Requests that are flushed have the same answers and outcomes through the pooler as straight', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { server, port, pooler, direct } = await startSetup(t, {
    postgres: { auth: 'trust' },
    auth: 'trust',
    origin: { applicationName: '' },
    pool: { maxConnections: 2, maxPrepared: 3 },
    pooler: { caching: { disabled: false, maxAge: 60, staleWhileRevalidate: 15 } },
  });
  const admin = await direct();
  await admin.query(schema);
  await pooler.cache!.load();
  const takeOutcome = async (): Promise<string[]> => {
    const { rows } = await admin.query(tables.map((table) => `select '${table}', n from ${table}`).join(' union all '));
    await admin.query(tables.map((table) => `delete from ${table}`).join('; '));
    return rows.map((row) => JSON.stringify(row)).toSorted();
  };
  await fc.assert(
    fc.asyncProperty(scripts, async (all) => {
      const straight = await playAll(all, server);
      while ((await admin.query('select from pg_stat_activity where pid = any($1)', [straight.pids])).rowCount !== 0);
      const straightOutcome = await takeOutcome();
      // What was written straight.
      await pooler.cache!.purge();
      const pooled = await playAll(all, { ...ownCredentials, port });
      while (pooler.status.clients > 0 || pooler.status.idle < pooler.status.connections)
        await new Promise((resolve) => setImmediate(resolve));
      const outcome = await takeOutcome();
      assert.deepEqual(pooled.answers, straight.answers);
      assert.deepEqual(outcome, straightOutcome);
    }),
    { numRuns: 100 },
  );
  assert.ok((pooler.status.pins.function ?? 0) > 0);
});
