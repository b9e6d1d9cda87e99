// Our modules inside the Worker: the sockets and the invocation wrapper. Built once for a bundler.
import { fileURLToPath } from 'node:url';
import type { BundleModule } from './bundle.ts';
import { ownModules } from './entry-module.ts';
import { buildWorkerModule, toOwnSource } from './worker-module.ts';

/** Builds them; `socketsModule` is an absolute path, by default that of `@sallyport/sockets/worker`. */
export async function buildOwnModules(socketsModule: string | undefined): Promise<BundleModule[]> {
  const sockets = socketsModule ?? fileURLToPath(import.meta.resolve('@sallyport/sockets/worker'));
  const invoke = toOwnSource('./worker/invoke.ts', import.meta.url);
  const [socketsText, invokeText] = await Promise.all([buildWorkerModule(sockets), buildWorkerModule(invoke)]);
  return [
    { name: ownModules.sockets, type: 'esModule', contents: socketsText },
    { name: ownModules.invoke, type: 'esModule', contents: invokeText },
  ];
}
