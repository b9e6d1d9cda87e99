// The oracle: plain workerd with its own sockets, allowed to reach loopback and told to trust the test authority.
//
// Two services run the same Worker; the second one's network presents a client certificate.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Certificates } from './certificates.ts';
import { compatibilityDate, type GuestModules } from './guest-modules.ts';
import type { Subject } from './subject.ts';
import { askCase, askPart } from './worker-client.ts';

function toWorker(name: string, outbound: string): string {
  return `(name = "${name}", worker = (modules = [(name = "cases.js", esModule = embed "cases.js")],
      compatibilityDate = "${compatibilityDate}", globalOutbound = "${outbound}"))`;
}

function toConfig(folder: string, { ca, client }: Certificates): string {
  const text = JSON.stringify;
  const network = (name: string, keypair: string): string =>
    `(name = "${name}", network = (allow = ["public", "private", "local"], tlsOptions = (
      trustBrowserCas = false, trustedCertificates = [${text(ca)}]${keypair})))`;
  const socket = (name: string): string =>
    `(name = "${name}", address = "unix:${join(folder, `${name}.sock`)}", http = (), service = "${name}")`;
  const keypair = `, keypair = (privateKey = ${text(client.key)}, certificateChain = ${text(client.cert)})`;
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    ${toWorker('plain', 'network')}, ${network('network', '')},
    ${toWorker('certified', 'certified-network')}, ${network('certified-network', keypair)}
  ],
  sockets = [${socket('plain')}, ${socket('certified')}]
);
`;
}

function resolveWorkerd(): string {
  const fromWorkers = createRequire(createRequire(import.meta.url).resolve('workerd'));
  const platform = `${process.platform}-${process.arch === 'x64' ? '64' : process.arch}`;
  return fromWorkers.resolve(`@cloudflare/workerd-${platform}/bin/workerd`);
}

async function waitUntilListening(child: ChildProcess, sockets: number): Promise<void> {
  let listening = 0;
  for await (const line of createInterface({ input: child.stdio[3] as NodeJS.ReadableStream })) {
    if ((JSON.parse(line) as { event: string }).event === 'listen') listening += 1;
    if (listening === sockets) return;
  }
  throw new Error('workerd ended before it listened');
}

export async function startOracle(
  folder: string,
  parts: { certificates: Certificates; modules: GuestModules },
): Promise<Subject> {
  const config = join(folder, 'oracle.capnp');
  await writeFile(join(folder, 'cases.js'), parts.modules.worker);
  await writeFile(config, toConfig(folder, parts.certificates));
  const child = spawn(resolveWorkerd(), ['serve', '--control-fd=3', config], {
    cwd: folder,
    env: {},
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  let output = '';
  child.stderr!.on('data', (chunk: Buffer) => (output = (output + chunk.toString()).slice(-4_000)));
  child.stdout!.resume();
  try {
    await waitUntilListening(child, 2);
  } catch (error) {
    throw new Error(output, { cause: error });
  }
  child.stdio[3]!.on('error', () => {});
  (child.stdio[3] as NodeJS.ReadableStream).resume();
  const socketFor = (request: { clientCertificate: boolean }): string =>
    join(folder, `${request.clientCertificate ? 'certified' : 'plain'}.sock`);
  return {
    name: 'workerd',
    kind: 'oracle',
    run: (request) => askCase(socketFor(request), request),
    part: (id, request) => askPart(socketFor(request), id),
    async [Symbol.asyncDispose]() {
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    },
  };
}
