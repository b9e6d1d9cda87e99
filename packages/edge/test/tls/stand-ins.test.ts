// A driver that looks a host up before it connects: behind a tunnel it gets an address that stands for the name, and TLS
// to that address is done as for the name.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAuthority, testAuthority } from '@sallyport/testkit';
import { toFiles } from './bench.ts';
import { startTlsBench } from './every-way.ts';
import { startMutual } from './mutual.ts';

const company = await testAuthority();
const partner = await createAuthority('Partner');

const driver = `import { lookup } from 'node:dns/promises';
  import net from 'node:net'; import tls from 'node:tls';
  const heard = (socket) => new Promise((resolve) => {
    let text = '';
    socket.on('data', (chunk) => (text += chunk)).on('end', () => resolve(text)).on('error', ({ code }) => resolve(code));
  });
  export default { async fetch(request) {
    const [to, starttls] = new URL(request.url).search.slice(1).split(',').map(Number);
    const [direct, later] = await Promise.all(['db.internal', 'mail.internal'].map((name) => lookup(name)));
    const plain = net.connect(starttls, later.address);
    plain.write('STARTTLS');
    await new Promise((resolve) => plain.once('data', resolve).once('error', resolve));
    return Response.json([
      direct.address,
      await heard(tls.connect({ host: direct.address, port: to, servername: 'db.internal' })),
      await heard(tls.connect({ socket: plain, servername: 'mail.internal' })),
    ]);
  } };`;

test('a stand-in address is trusted, and shown a certificate, as the name that it stands for', async (t) => {
  const certificate = await company.issue('good', { names: ['db.internal', 'mail.internal'] });
  const mutual = await startMutual(t, { certificate, clientCa: partner.ca });
  const bench = await startTlsBench(
    t,
    '[[trust]]\nto = "*.internal"\nca = "ca.pem"\ncert = "worker.pem"\nkey = "worker.key"\n',
    { 'ca.pem': company.ca, ...toFiles('worker', await partner.issue('client', { commonName: 'worker' })) },
  );
  const { tunnelId } = await bench.join(
    'office',
    `ingress:
  - hostname: db.internal
    service: tcp://127.0.0.1:${mutual.tls}
  - hostname: mail.internal
    service: tcp://127.0.0.1:${mutual.starttls}
  - service: http_status:404`,
  );
  await bench.tunnels.control.routes.hostnames.create({ hostname: '*.internal', tunnel_id: tunnelId });
  await bench.write({ 'src/index.js': driver });
  await bench.event('ready', ({ reload }) => reload);
  const [address, direct, upgraded] = JSON.parse(await bench.text(`/?${mutual.tls},${mutual.starttls}`)) as string[];
  assert.match(address ?? '', /^240\.2\./);
  assert.deepEqual([direct, upgraded], ['worker', 'worker']);
});
