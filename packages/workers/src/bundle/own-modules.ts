// Our modules inside the Worker: the sockets, Node's modules over them, and the invocation wrapper. Built once for a
// bundler. They share chunks, because the invocation that a socket belongs to must be one and the same to all of them.
import { fileURLToPath } from 'node:url';
import { type BundleModule, ownFolder } from './bundle.ts';
import { ownModules } from './entry-module.ts';
import { nodeModules } from './node-modules.ts';
import { buildWorkerModule, buildWorkerModules, toOwnSource } from './worker-module.ts';

export interface OwnModulesOptions {
  /** Absolute path; by default that of `@sallyport/sockets/worker`. */
  socketsModule: string | undefined;
  /** Whether the Worker may use Node's modules. */
  withNode: boolean;
}

export async function buildOwnModules({ socketsModule, withNode }: OwnModulesOptions): Promise<BundleModule[]> {
  const entries: Record<string, string> = {
    sockets: socketsModule ?? fileURLToPath(import.meta.resolve('@sallyport/sockets/worker')),
  };
  if (withNode) for (const { name, source } of nodeModules) entries[name] = fileURLToPath(import.meta.resolve(source));
  const invoke = toOwnSource('./worker/invoke.ts', import.meta.url);
  const [texts, invokeText] = await Promise.all([buildWorkerModules(entries), buildWorkerModule(invoke)]);
  return [
    ...[...texts].map(([name, contents]): BundleModule => ({ name: ownFolder + name, type: 'esModule', contents })),
    { name: ownModules.invoke, type: 'esModule', contents: invokeText },
  ];
}
