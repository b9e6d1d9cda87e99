// The same programs on Node.js and in a Worker: what node:net and node:tls do, and in which order they say so.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import * as net from 'node:net';
import * as stream from 'node:stream';
import { test } from 'node:test';
import * as tls from 'node:tls';
import { fileURLToPath } from 'node:url';
import { startPeer, startRefusing, startStartTlsPeer, testAuthority, use } from '@sallyport/testkit';
import { config, startBench } from '../support/dev-bench.ts';
import { programs } from './fixtures/programs.js';

const source = fileURLToPath(new URL('./fixtures/programs.js', import.meta.url));

const bytes = (length: number, fill: number): Uint8Array => new Uint8Array(length).fill(fill);

test('node:net and node:tls in a Worker do as in Node.js', async (t) => {
  const authority = await testAuthority();
  const certificate = await authority.issue('good');
  const portOf = async (peer: Promise<{ port: number } & AsyncDisposable>): Promise<number> =>
    (await use(t, peer)).port;
  const at = {
    echo: await portOf(startPeer('echo')),
    farewell: await portOf(startPeer((socket) => void socket.end('hello and good-bye'))),
    halfOpen: await portOf(startPeer((socket) => void socket.end('yours'))),
    source: await portOf(startPeer('source', { bytes: 4_000_000 })),
    report: await portOf(startPeer('sink')),
    reset: await portOf(startPeer('reset')),
    refusing: await portOf(startRefusing()),
    tlsEcho: await portOf(startPeer('echo', { tls: { certificate, alpn: ['b/1'] } })),
    startTls: await portOf(startStartTlsPeer({ certificate })),
  };
  const { ca } = authority;
  const bench = await startBench(t, {
    'wrangler.json': config({ compatibility_flags: ['nodejs_compat'] }),
    'src/programs.js': await readFile(source, 'utf8'),
    'src/index.js': `import net from 'net'; import tls from 'tls'; import stream from 'node:stream'; import { programs } from './programs.js';
        const bytes = (length, fill) => new Uint8Array(length).fill(fill);
        export default { async fetch(request, env) {
          const { name, at, ca } = await request.json();
          return Response.json((await programs[name]({ net, tls, stream, at, ca, bytes })) ?? null);
        } };`,
  });
  for (const [name, program] of Object.entries(programs)) {
    await t.test(name, async () => {
      const expected: unknown = await program({ net, tls, stream, at, ca, bytes });
      const response = await bench.ask('/', { method: 'POST', body: JSON.stringify({ name, at, ca }) });
      assert.deepEqual(JSON.parse(await response.text()), JSON.parse(JSON.stringify(expected)));
    });
  }
});
