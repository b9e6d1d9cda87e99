// The cases on Node: a child process that is asked over IPC.
import * as sockets from '@sallyport/sockets';
import type { LooseConnect, RunRequest } from './context.ts';
import { runCase } from './run-case.ts';

/** First message: what the host trusts, and the certificate it presents where a case wants one. */
export interface NodeSetup {
  ca: string;
  client: { cert: string; key: string };
}

const certifiedPorts = new Set<number>();
const unhandled: string[] = [];
let connect: LooseConnect | undefined;

process.on('unhandledRejection', (reason) => unhandled.push(String(reason)));

async function answer(request: RunRequest): Promise<void> {
  if (request.clientCertificate) for (const { port } of Object.values(request.peers)) certifiedPorts.add(port);
  const result = await sockets.withInvocation(() =>
    runCase(request, {
      connect: connect!,
      module: { ...sockets, connect: connect! },
      globalScope: 'not on Node',
      unhandled,
      waitUntil: () => {},
      keep: () => '',
    }),
  );
  const observation =
    result instanceof Response ? { status: result.status, body: await result.text() } : result.observation;
  process.send!({ run: request.run, observation });
}

process.on('message', (message: NodeSetup | RunRequest) => {
  if ('run' in message) return void answer(message);
  const { ca, client } = message;
  connect = sockets.createConnect({
    tls: ({ port }) => ({ ca, ...(certifiedPorts.has(port) ? client : {}) }),
  }) as LooseConnect;
  process.send!('ready');
});
