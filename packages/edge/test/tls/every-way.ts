// A Worker that speaks TLS in every way there is, running with a sallyport.toml of its own.
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { TlsEvent } from '../../src/tls/tls-event.ts';
import { config, temporaryFolder } from '../support/dev-bench.ts';
import { Recorder } from '../support/recorder.ts';
import { startTunnelBench, type TunnelBench } from '../support/tunnel-bench.ts';
import { writePrivate } from './bench.ts';

export interface TlsBench extends TunnelBench {
  /** Where the files of the entries are. */
  keys: string;
  tls: Recorder<TlsEvent>;
  /** What the service on that port of localhost said to a way, or why it was not reached. */
  go(way: string, port: number): Promise<string>;
}

/** Keys need a mode, so the files that `toml` names are made first, in a folder of their own. */
export async function startTlsBench(
  t: TestContext,
  toml: string,
  files: Record<string, string>,
  settings: object = {},
): Promise<TlsBench> {
  const keys = await temporaryFolder(t);
  await writePrivate(keys, files);
  const tls = new Recorder<TlsEvent>();
  const absolute = toml.replaceAll(/"([\w-]+\.(?:pem|key))"/g, (_, name: string) => JSON.stringify(join(keys, name)));
  const project = {
    'src/index.js': everyWay,
    'wrangler.json': config({ compatibility_flags: ['nodejs_compat'], ...settings }),
    'sallyport.toml': absolute,
  };
  const bench = await startTunnelBench(t, project, { onTlsEvent: tls.add });
  const go = (way: string, port: number): Promise<string> => bench.text(`/?way=${way}&to=localhost:${port}`);
  return Object.assign(bench, { keys, tls, go });
}

/** A Worker that goes every way: `/?way=on&to=localhost:1`; it answers with what the service said, or why not. */
const everyWay = `import { connect } from 'cloudflare:sockets';
import { connect as connectTls } from 'node:tls';
const text = (socket) => new Response(socket.readable).text();
const ways = {
  async on(to) {
    const socket = connect(to, { secureTransport: 'on' });
    await socket.opened;
    return text(socket);
  },
  async starttls(to) {
    const plain = connect(to, { secureTransport: 'starttls' });
    const writer = plain.writable.getWriter();
    await writer.write(new TextEncoder().encode('STARTTLS'));
    writer.releaseLock();
    const reader = plain.readable.getReader();
    await reader.read();
    reader.releaseLock();
    return text(plain.startTls());
  },
  node: (to) => new Promise((resolve, reject) => {
    const [host, port] = to.split(':');
    let heard = '';
    connectTls({ host, port: Number(port) }).on('data', (chunk) => (heard += chunk)).on('end', () => resolve(heard)).on('error', reject);
  }),
  fetch: async (to) => say(await fetch('https://' + to)),
  cert: async (to, env) => say(await env.CERT.fetch('https://' + to)),
  vpc: async (to, env) => say(await env.API.fetch('https://' + to)),
  websocket: (to) => talk(fetch('https://' + to, { headers: { upgrade: 'websocket' } })),
  certsocket: (to, env) => talk(env.CERT.fetch('https://' + to, { headers: { upgrade: 'websocket' } })),
  async raw(to, env) {
    const socket = env.CERT.connect(to);
    await socket.opened;
    return text(socket);
  },
};
async function say(response) {
  const body = await response.text();
  return response.headers.get('sallyport-error') ? 'failed ' + response.status + ' ' + body : body;
}
async function talk(asked) {
  const response = await asked;
  const { webSocket } = response;
  if (!webSocket) return say(response);
  const heard = new Promise((resolve) => webSocket.addEventListener('message', ({ data }) => resolve(data), { once: true }));
  webSocket.accept();
  return heard;
}
export default { async fetch(request, env) {
  const { searchParams } = new URL(request.url);
  try { return new Response(await ways[searchParams.get('way')](searchParams.get('to'), env)); }
  catch (error) { return new Response('failed ' + error.code + ': ' + error.message + ' ' + error.remedy); }
} };`;
