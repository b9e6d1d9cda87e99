// PgBouncer's test_prepared: statements that follow their client from one origin connection to another.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needs } from '@sallyport/testkit';
import * as wire from '@sallyport/postgres-wire';
import { ask, execute, pidOf, prepare, startRawSetup } from './kit.ts';

const answered = (value: number): string[] => ['2', `D ${value}`, 'C SELECT 1', 'Z I'];

for (const [title, query, values] of [
  ['prepared_statement: a statement follows its client to another origin connection', 'select 5 as n', []],
  ['prepared_statement_params: so does one with parameters', 'select $1::int as n', [5]],
] as const) {
  test(title, async (t) => {
    if (!needs(t, 'postgres')) return;
    const { client } = await startRawSetup(t, { pool: { maxConnections: 2 } });
    const [one, other] = [await client(), await client()];
    const statement = { name: 'mine', text: query, values: [...values] };
    assert.deepEqual((await one.query(statement)).rows, [{ n: 5 }]);
    const first = await pidOf(one);
    await other.query('begin');
    assert.equal(await pidOf(other), first);
    assert.notEqual(await pidOf(one), first);
    assert.deepEqual((await one.query(statement)).rows, [{ n: 5 }]);
    // The other client's statement of the same text is the one that is there already.
    assert.deepEqual((await other.query({ ...statement, name: 'yours' })).rows, [{ n: 5 }]);
    const held = "select count(*)::int as n from pg_prepared_statements where name like 'sallyport%'";
    assert.deepEqual((await other.query(held)).rows, [{ n: 1 }]);
    assert.deepEqual((await one.query(held)).rows, [{ n: 1 }]);
  });
}

/** Around what the pooler holds of a message (64 KiB), what Node reads at once, and PgBouncer's buffer. */
const sizes = [8_190, 16_384, 65_530, 65_536, 131_072, 655_360];

test('parse_larger_than_pkt_buf: a Parse of any size, named and not', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { raw } = await startRawSetup(t, { pool: { maxConnections: 1 } });
  const client = await raw();
  for (const [index, size] of sizes.entries()) {
    for (const name of ['', `s${index}`]) {
      const query = `select length('${'x'.repeat(size)}')`;
      assert.deepEqual(await ask(client, [prepare(name, query), wire.toSync()]), ['1', 'Z I'], `${size}`);
      assert.deepEqual(await ask(client, execute(name)), answered(size));
    }
  }
});

test('bind_larger_than_pkt_buf: a Bind of any size, named and not', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { raw } = await startRawSetup(t, { pool: { maxConnections: 1 } });
  const client = await raw();
  for (const name of ['', 'named']) {
    await ask(client, [prepare(name, 'select length($1)'), wire.toSync()]);
    for (const size of sizes) {
      assert.deepEqual(await ask(client, execute(name, { parameters: ['y'.repeat(size)] })), answered(size));
    }
  }
});

test('parse_larger_with_varcache_change: a big Parse on a connection that has another client’s settings', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { client, raw } = await startRawSetup(t, { pool: { maxConnections: 1 } });
  const [paris, plain] = [await client({ options: '-c TimeZone=Europe/Paris' }), await raw()];
  const query = `select current_setting('TimeZone'), length('${'x'.repeat(200_000)}')`;
  for (let round = 0; round < 3; round += 1) {
    const text = `${query} + ${round}`;
    const { rows } = await paris.query({ name: `big${round}`, text, rowMode: 'array' });
    assert.deepEqual(rows, [['Europe/Paris', 200_000 + round]]);
    const [, row] = (await ask(plain, [prepare(`big${round}`, text), ...execute(`big${round}`)])).slice(1);
    assert.ok(row?.endsWith(`,${200_000 + round}`) === true && !row.includes('Paris'), row);
  }
});

test('evict_statement_cache: one statement at most is kept, and all work', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { client } = await startRawSetup(t, { pool: { maxConnections: 1, maxPrepared: 1 } });
  const one = await client();
  for (let round = 0; round < 20; round += 1) {
    const n = round % 3;
    assert.deepEqual((await one.query({ name: `s${n}`, text: `select ${n} as n` })).rows, [{ n }]);
    assert.equal((await one.query("select 1 from pg_prepared_statements where name <> ''")).rowCount, 1);
  }
});

test('evict_statement_cache_pipeline_failure: giving a statement up, and a failure in the same pipeline', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { raw } = await startRawSetup(t, { pool: { maxConnections: 1, maxPrepared: 1 } });
  const client = await raw();
  await ask(client, [prepare('a', 'select 1'), wire.toSync()]);
  const failing = [prepare('b', 'select 2'), prepare('c', 'nonsense'), ...execute('b')];
  assert.deepEqual(await ask(client, failing), ['1', 'E 42601', 'Z I']);
  assert.deepEqual(await ask(client, execute('a')), answered(1));
  assert.deepEqual(await ask(client, execute('b')), answered(2));
  assert.deepEqual(await ask(client, execute('c')), ['E 26000', 'Z I']);
  // The failure comes first: neither what was to be closed nor what was to be prepared is believed.
  assert.deepEqual(await ask(client, [prepare('', '1/0'), ...execute('a')]), ['E 42601', 'Z I']);
  assert.deepEqual(await ask(client, execute('b')), answered(2));
  assert.deepEqual(await ask(client, execute('a')), answered(1));
});

test('prepared_statement_pipeline: prepared and not yet prepared in one pipeline, in both orders', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { raw } = await startRawSetup(t, { pool: { maxConnections: 1 } });
  const [one, other] = [await raw(), await raw()];
  await ask(one, [prepare('a', 'select 1'), wire.toSync()]);
  await ask(one, [prepare('b', 'select 2'), wire.toSync()]);
  const [first, second] = [answered(1).slice(0, -1), answered(2).slice(0, -1)];
  for (const client of [one, other]) {
    if (client === other) {
      await ask(other, [prepare('a', 'select 1'), wire.toSync()]);
      await ask(other, [prepare('b', 'select 2'), wire.toSync()]);
    }
    const ab = [...execute('a', { sync: false }), ...execute('b')];
    assert.deepEqual(await ask(client, ab), [...first, ...second, 'Z I']);
    const ba = [...execute('b', { sync: false }), prepare('c', 'select 3'), ...execute('a')];
    assert.deepEqual(await ask(client, ba), [...second, '1', ...first, 'Z I']);
  }
});

test('pipeline_stress: random statements, more of them than are kept, in pipelines of every length', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { raw } = await startRawSetup(t, { pool: { maxConnections: 2, maxPrepared: 3 } });
  const clients = await Promise.all(Array.from({ length: 4 }, () => raw()));
  // A generator of its own: the same run each time.
  let state = 1;
  const random = (below: number): number => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
  const count = 9;
  for (const client of clients) {
    for (let n = 0; n < count; n += 1) await ask(client, [prepare(`s${n}`, `select ${n}`), wire.toSync()]);
  }
  for (let round = 0; round < 100; round += 1) {
    const plans = clients.map(() => Array.from({ length: 1 + random(9) }, () => random(count)));
    const answers = await Promise.all(
      clients.map((client, index) => {
        const messages = plans[index]!.flatMap((n) => execute(`s${n}`, { sync: false }));
        return ask(client, [...messages, wire.toSync()]);
      }),
    );
    assert.deepEqual(
      answers,
      plans.map((plan) => [...plan.flatMap((n) => answered(n).slice(0, -1)), 'Z I']),
    );
  }
});

test('close_prepared_statement: closing works, again too, and then the statement is gone', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { raw } = await startRawSetup(t, { pool: { maxConnections: 1 } });
  const client = await raw();
  await ask(client, [prepare('a', 'select 1'), wire.toSync()]);
  for (let round = 0; round < 2; round += 1) {
    assert.deepEqual(await ask(client, [wire.toClose('statement', 'a'), wire.toSync()]), ['3', 'Z I']);
  }
  assert.deepEqual(await ask(client, [wire.toDescribe('statement', 'a'), wire.toSync()]), ['E 26000', 'Z I']);
});

test('describe_non_existent: an unknown name is an error and no more', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { raw } = await startRawSetup(t, { pool: { maxConnections: 1 } });
  const client = await raw();
  assert.deepEqual(await ask(client, [wire.toDescribe('statement', 'never'), wire.toSync()]), ['E 26000', 'Z I']);
  assert.deepEqual(await ask(client, [prepare('', 'select 1'), ...execute('')]), ['1', ...answered(1)]);
});

test('statement_name_longer_than_pkt_buf: long names, and too long ones', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { raw } = await startRawSetup(t, { pool: { maxConnections: 1 } });
  const client = await raw();
  const name = 'n'.repeat(9_980);
  assert.deepEqual(await ask(client, [prepare(name, 'select 1'), wire.toSync()]), ['1', 'Z I']);
  assert.deepEqual(await ask(client, [wire.toDescribe('statement', name), wire.toSync()]), ['t', 'T', 'Z I']);
  assert.deepEqual(await ask(client, execute(name)), answered(1));
  assert.deepEqual(await ask(client, [wire.toClose('statement', name), wire.toSync()]), ['3', 'Z I']);
  assert.deepEqual(await ask(client, execute(name)), ['E 26000', 'Z I']);
  // PostgreSQL takes no Describe of more than 10,000 bytes either [postgres PQ_SMALL_MESSAGE_LIMIT].
  const longest = 'n'.repeat(262_144);
  const refused = await ask(client, [prepare(longest, 'select 1'), wire.toDescribe('statement', longest)]);
  assert.equal(refused.at(-1), 'E 08P01');
});

test('A pipeline may prepare and use more statements than are kept', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { raw } = await startRawSetup(t, { pool: { maxConnections: 1, maxPrepared: 2 } });
  const clients = [await raw(), await raw()];
  const numbers = [0, 1, 2, 3, 4];
  const used = numbers.flatMap((n) => answered(n).slice(0, -1));
  const parses = numbers.map((n) => prepare(`s${n}`, `select ${n}`));
  const uses = numbers.flatMap((n) => execute(`s${n}`, { sync: false }));
  for (const client of clients) {
    const answers = await ask(client, [...parses, ...uses, wire.toSync()]);
    assert.deepEqual(answers, [...numbers.map(() => '1'), ...used, 'Z I']);
  }
  for (let round = 0; round < 3; round += 1) {
    for (const client of clients) {
      assert.deepEqual(await ask(client, [...uses, ...uses, wire.toSync()]), [...used, ...used, 'Z I']);
    }
  }
});
