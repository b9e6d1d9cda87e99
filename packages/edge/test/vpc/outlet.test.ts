// The socket behind a binding, spoken to directly: what a runtime gone bad could send through it.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { ResolvedService } from '@sallyport/control';
import { openOutlet } from '../../src/vpc/outlet.ts';
import { bareTls } from '../../src/tls/host-tls.ts';
import { toServiceWay } from '../../src/vpc/service-way.ts';
import { temporaryFolder } from '../support/dev-bench.ts';
import { startOrigin } from '../support/tunnel-bench.ts';

async function open(t: TestContext): Promise<{ socket: string; seen: string[]; say(text: string): Promise<string> }> {
  const seen: string[] = [];
  const { port } = await startOrigin(t, ({ method, url, headers }, response) => {
    seen.push(`${method} ${headers.host} ${url}`);
    response.end('the service');
  });
  const service: ResolvedService = {
    service_id: 'id',
    name: 'api',
    type: 'http',
    http_port: port,
    host: { ipv4: '127.0.0.1' },
    created_at: '',
    updated_at: '',
    tls: {},
  };
  const way = toServiceWay(service, { ways: {}, tunnels: { tunnelName: () => undefined }, findTrust: () => bareTls });
  const path = join(await temporaryFolder(t), 'vpc.sock');
  const outlet = await openOutlet({ binding: 'API', throws: false, path, find: () => way, onEvent: () => {} });
  t.after(() => outlet.close());
  const say = async (text: string): Promise<string> => {
    const client = connect(path);
    client.write(text);
    let heard = '';
    client.on('data', (chunk) => (heard += String(chunk)));
    await once(client, 'close');
    return heard;
  };
  return { socket: outlet.socket, seen, say };
}

test('only the edge may open the socket', async (t) => {
  const { socket } = await open(t);
  assert.equal((await stat(socket)).mode & 0o777, 0o600);
});

test('whatever is asked for, the service is asked, once', async (t) => {
  const { seen, say } = await open(t);
  const end = 'Connection: close\r\n\r\n';
  assert.match(await say(`GET http://169.254.169.254/a HTTP/1.1\r\nHost: other\r\n${end}`), /the service$/);
  assert.match(await say(`GET http://x/b HTTP/1.1\r\nHost: 10.0.0.1\r\nHost: 10.0.0.2\r\n${end}`), /^HTTP\/1\.1 /);
  assert.match(await say(`GET /c HTTP/1.1\r\nHost: other\r\n${end}`), /^HTTP\/1\.1 400 /);
  assert.match(await say(`GET file:///etc/passwd HTTP/1.1\r\n${end}`), /^HTTP\/1\.1 400 /);
  assert.match(await say(`CONNECT 127.0.0.1:22 HTTP/1.1\r\n\r\n`), /^HTTP\/1\.1 502 vpc_type/);
  assert.match(await say(`CONNECT v1.socket.sallyport:1 HTTP/1.1\r\n\r\n`), /^HTTP\/1\.1 502 vpc_type/);
  const both = 'Content-Length: 4\r\nTransfer-Encoding: chunked\r\n';
  assert.match(
    await say(`POST http://x/d HTTP/1.1\r\n${both}\r\n0\r\n\r\nGET http://x/smuggled HTTP/1.1\r\n\r\n`),
    /^HTTP\/1\.1 400 /,
  );
  assert.match(await say(`GET http://x/e HTTP/1.1\r\nX: ${'a'.repeat(140_000)}\r\n${end}`), /^HTTP\/1\.1 431 /);
  assert.deepEqual(
    seen.filter((line) => !line.endsWith('/b')),
    ['GET 169.254.169.254 /a'],
  );
});
