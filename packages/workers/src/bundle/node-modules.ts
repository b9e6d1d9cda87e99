// Which of Node's modules are ours inside a Worker, because the runtime's own would go around the gateway, or could not
// make TLS through it.
import { ownFolder } from './bundle.ts';

export interface NodeModule {
  /** As Node names it. */
  specifier: string;
  /** Its file in the Worker, without folder and ending. */
  name: string;
  /** Where its source is exported. */
  source: string;
}

export const nodeModules: readonly NodeModule[] = [
  { specifier: 'net', name: 'node-net', source: '@sallyport/sockets/worker/net' },
  { specifier: 'tls', name: 'node-tls', source: '@sallyport/sockets/worker/tls' },
  { specifier: 'dns', name: 'node-dns', source: '@sallyport/sockets/worker/dns' },
  { specifier: 'dns/promises', name: 'node-dns-promises', source: '@sallyport/sockets/worker/dns-promises' },
  { specifier: 'http', name: 'node-http', source: '@sallyport/sockets/worker/http' },
  { specifier: 'https', name: 'node-https', source: '@sallyport/sockets/worker/https' },
];

const byName = new Map(nodeModules.map(({ specifier, name }) => [specifier, `${ownFolder}${name}.js`]));

/** The module of ours that an import means, by its name in the Worker; undefined when it is not ours. */
export function toNodeModule(specifier: string): string | undefined {
  return byName.get(specifier.replace(/^node:/, ''));
}
