// What the limit of V8's heap costs a process that passes bytes on, and what is left of it.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';

/**
 * Passes 1 GiB on through a small heap, as a relay does: pieces wait for a moment, and something of each turn stays.
 * Prints how often the whole heap was collected.
 */
const relay = `
import { constants, PerformanceObserver } from 'node:perf_hooks';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
const { NODE_PERFORMANCE_GC_MAJOR: major, NODE_PERFORMANCE_GC_INCREMENTAL: incremental } = constants;
let whole = 0;
new PerformanceObserver((list) => {
  for (const { detail } of list.getEntries()) if (detail.kind === major || detail.kind === incremental) whole += 1;
}).observe({ entryTypes: ['gc'] });
const alive = Array.from({ length: 60_000 }, (_, index) => ({ index, text: 'x' + index }));
const waiting = [];
for (let index = 0; index < 65_536; index += 1) {
  waiting.push(Buffer.allocUnsafeSlow(16_384));
  if (waiting.length > 64) waiting.shift();
  alive[(index * 7) % alive.length] = { index, text: 'y' + index };
  if (index % 4 === 0) await turn();
}
await sleep(50);
console.log(whole);
`;

function countCollections(prologue: string): number {
  const run = ['--input-type=module', '--eval', prologue + relay];
  return Number(execFileSync(process.execPath, run, { encoding: 'utf8', cwd: import.meta.dirname }));
}

test('passing bytes on has the whole heap collected far less often with room for buffers', () => {
  const room = `import { makeRoomForBuffers } from '${new URL('../dist/run/heap.js', import.meta.url)}';\nmakeRoomForBuffers();\n`;
  const without = countCollections('');
  const collections = countCollections(room);
  assert.ok(collections <= without * 0.6, `${collections} collections, ${without} without it`);
});
