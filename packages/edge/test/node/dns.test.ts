// node:dns in a Worker: the edge answers, with the errors of Node.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { workerPolicy } from '@sallyport/egress';
import { config, startBench } from '../support/dev-bench.ts';

const worker = {
  'wrangler.json': config({ compatibility_flags: ['nodejs_compat'] }),
  'src/index.js': `import dns from 'node:dns'; import { lookup, promises } from 'dns'; import direct from 'node:dns/promises';
    import { Resolver } from 'node:dns/promises';
    const tell = (error) => ({ code: error.code, errno: error.errno, syscall: error.syscall, hostname: error.hostname, message: error.message });
    const called = (ask, ...args) => new Promise((resolve) => ask(...args, (error, ...results) => resolve(error ? tell(error) : results)));
    const asked = (promise) => promise.then((result) => result, tell);
    export default { async fetch() {
      return Response.json({
        plain: await called(lookup, 'localhost', 4),
        all: await called(dns.lookup, 'localhost', { all: true, family: 4 }),
        promised: await asked(promises.lookup('localhost', { family: 4 })),
        direct: await asked(direct.resolve4('localhost')),
        resolver: await asked(new Resolver().resolve('localhost', 'A')),
        literal: await called(dns.lookup, '::1'),
        missing: await called(dns.lookup, 'nobody.invalid'),
        unresolved: await called(dns.resolve4, 'nobody.invalid'),
        nonsense: await called(dns.lookup, 'a b'),
        thrown: (() => { try { dns.lookup(7, () => {}); } catch (error) { return error.code; } })(),
        servers: (() => { try { dns.setServers(['1.1.1.1']); } catch (error) { return error.code; } })(),
        constant: [dns.NOTFOUND, dns.ADDRCONFIG === undefined, promises === direct],
      });
    } };`,
};

const missing = (syscall: string, hostname: string): object => ({
  code: 'ENOTFOUND',
  errno: -3008,
  syscall,
  hostname,
  message: `${syscall} ENOTFOUND ${hostname}`,
});

test('look-ups go to the edge’s resolver', async (t) => {
  const bench = await startBench(t, worker);
  assert.deepEqual(JSON.parse(await bench.text('/')), {
    plain: ['127.0.0.1', 4],
    all: [[{ address: '127.0.0.1', family: 4 }]],
    promised: { address: '127.0.0.1', family: 4 },
    direct: ['127.0.0.1'],
    resolver: ['127.0.0.1'],
    literal: ['::1', 6],
    missing: missing('getaddrinfo', 'nobody.invalid'),
    unresolved: missing('queryA', 'nobody.invalid'),
    nonsense: missing('getaddrinfo', 'a b'),
    thrown: 'ERR_INVALID_ARG_TYPE',
    servers: 'ERR_METHOD_NOT_IMPLEMENTED',
    constant: ['ENOTFOUND', false, true],
  });
});

test('a name whose addresses policy denies is refused', async (t) => {
  const bench = await startBench(t, worker, { policy: workerPolicy });
  const { plain, direct } = JSON.parse(await bench.text('/')) as { plain: { code: string }; direct: { code: string } };
  assert.deepEqual([plain.code, direct.code], ['EREFUSED', 'EREFUSED']);
});
