// Events that are no requests: crons at their times, and scheduled() and queue() by hand.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { config, startBench } from '../support/dev-bench.ts';

const worker = `export default {
  fetch: () => new Response('fetched'),
  scheduled(controller) {
    if (controller.cron === 'fail') throw new Error('cron failed');
    console.log('cron ' + controller.cron + ' at ' + controller.scheduledTime);
  },
  queue(batch) {
    if (batch.queue === 'fail') throw new Error('queue failed');
    console.log(batch.queue + ' ' + JSON.stringify(batch.messages.map(({ id, body, attempts }) => ({ id, body, attempts }))));
  },
};`;

test('scheduled() is fired by hand with the cron and time given, and its outcome is the answer', async (t) => {
  const bench = await startBench(t, worker);
  const answer = await bench.ask('/cdn-cgi/handler/scheduled?cron=*/5+*+*+*+*&time=86400000');
  assert.deepEqual([answer.status, ((await answer.json()) as { outcome: string }).outcome], [200, 'ok']);
  await bench.log('cron */5 * * * * at 86400000');
  const failed = await bench.ask('/__scheduled?cron=fail');
  assert.deepEqual([failed.status, ((await failed.json()) as { outcome: string }).outcome], [500, 'exception']);
  assert.match(await bench.log('cron failed'), /src\/index\.js:4:\d+/);
  assert.equal((await bench.ask('/cdn-cgi/handler/scheduled?time=never')).status, 400);
  assert.equal(await bench.text('/__scheduled-report'), 'fetched');
});

test('queue() is fired by hand with bodies or whole messages', async (t) => {
  const bench = await startBench(t, worker);
  const send = (path: string, body: string): Promise<Response> => bench.ask(path, { method: 'POST', body });
  const path = '/cdn-cgi/handler/queue?queue=jobs';
  assert.equal((await send(path, JSON.stringify(['a', { body: { n: 1 }, id: 'mine', attempts: 3 }]))).status, 200);
  assert.match(await bench.log('jobs'), /"body":"a","attempts":1\},\{"id":"mine","body":\{"n":1\},"attempts":3\}\]/);
  assert.equal((await send('/cdn-cgi/handler/queue?queue=fail', '[1]')).status, 500);
  for (const [bad, status] of [
    [send(path, 'not json'), 400],
    [send(path, '{}'), 400],
    [send('/cdn-cgi/handler/queue', '[]'), 400],
    [bench.ask(path), 405],
    [bench.ask('/cdn-cgi/handler/nothing'), 404],
  ] as const) {
    const answer = await bad;
    assert.equal(answer.status, status, await answer.text());
  }
});

test('a Worker without the handler says so', async (t) => {
  const bench = await startBench(t, `export default { fetch: () => new Response('only') };`);
  const answer = await bench.ask('/cdn-cgi/handler/scheduled');
  assert.equal(answer.status, 500);
  await answer.text();
});

test('a malformed cron is an error of the configuration', async (t) => {
  const bench = await startBench(t, {
    'wrangler.json': config({ triggers: { crons: ['61 * * * *'] } }),
    'src/index.js': worker,
  });
  const { diagnostics } = await bench.event('diagnostics');
  assert.equal(diagnostics[0]?.code, 'invalid_cron');
});
