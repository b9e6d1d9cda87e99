// Our Socket in a Worker: bundled and run as `sallyport dev` does it, behind the edge's gateway.
import { join } from 'node:path';
import { startGateway } from '@sallyport/edge';
import { createEgress, devPolicy } from '@sallyport/egress';
import { createBundler, type Project, startRuntime } from '@sallyport/workers';
import type { Certificates } from './certificates.ts';
import { compatibilityDate, toGuestPath } from './guest-modules.ts';
import type { Subject } from './subject.ts';
import { askCase, askPart } from './worker-client.ts';

function toProject(folder: string): Project {
  return {
    name: 'conformance',
    configPath: join(folder, 'wrangler.jsonc'),
    root: folder,
    environment: undefined,
    main: toGuestPath('worker-entry.ts'),
    compatibilityDate,
    compatibilityFlags: [],
    vars: {},
    secretNames: [],
    rules: [],
    alias: {},
    define: {},
    tsconfig: undefined,
    jsxFactory: undefined,
    jsxFragment: undefined,
    minify: false,
    keepNames: true,
    noBundle: false,
    build: { command: undefined, cwd: folder, watchDirs: [] },
    crons: [],
    queueConsumers: [],
    durableObjects: [],
    hyperdrive: [],
    vpcServices: [],
    vpcNetworks: [],
    mtlsCertificates: [],
    dev: { ip: '127.0.0.1', port: 0 },
    watchFiles: [],
  };
}

export async function startOurWorker(
  folder: string,
  parts: { certificates: Certificates; loopPort: number },
): Promise<Subject> {
  const { ca, client } = parts.certificates;
  const certifiedPorts = new Set<number>();
  const gatewaySocket = join(folder, 'gateway.sock');
  const gateway = await startGateway({
    path: gatewaySocket,
    egress: createEgress({
      policy: devPolicy,
      ownListeners: () => [{ address: '127.0.0.1', port: parts.loopPort }],
    }),
    findTrust: ({ port }) => ({ ca, ...(certifiedPorts.has(port) ? client : {}) }),
  });
  const project = toProject(folder);
  const bundler = createBundler(project);
  const bundle = await bundler.build();
  await bundler.close();
  const runtime = await startRuntime({
    project,
    bundle,
    gatewaySocket,
    directory: join(folder, 'run'),
    stateDirectory: join(folder, 'state'),
    onLog: ({ kind, message }) => {
      if (process.env['CONFORMANCE_LOG'] !== undefined) console.error(`worker ${kind}: ${message}`);
    },
  });
  return {
    name: 'worker',
    kind: 'worker',
    run(request) {
      if (request.clientCertificate) for (const { port } of Object.values(request.peers)) certifiedPorts.add(port);
      return askCase(runtime.socketPath, request);
    },
    part: (id) => askPart(runtime.socketPath, id),
    async [Symbol.asyncDispose]() {
      await runtime.close({ graceMs: 0 });
      await gateway.close();
    },
  };
}
