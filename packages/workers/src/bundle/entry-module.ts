// The module workerd starts: the user's exports, each wrapped so that a call from outside is one invocation.
import type { BundleModule } from './bundle.ts';
import { ownFolder } from './bundle.ts';

/** Names of our own modules in every Worker. */
export const ownModules: Readonly<Record<'entry' | 'invoke' | 'sockets', string>> = {
  entry: `${ownFolder}entry.js`,
  invoke: `${ownFolder}invoke.js`,
  sockets: `${ownFolder}sockets.js`,
};

export interface EntryOptions {
  /** Module name of the user's entry. */
  main: string;
  exports: readonly string[];
  /** Durable Object classes: wrapped even when they extend nothing. */
  durableObjects: readonly string[];
}

/** Generates the entry module; export names may be any string, as ES2022 allows. */
export function toEntryModule({ main, exports, durableObjects }: EntryOptions): BundleModule {
  const named = exports.filter((name) => name !== 'default').map((name) => JSON.stringify(name));
  const contents = [
    // First, so that it sees the console as it was.
    `import { createWrapper } from "./invoke.js";`,
    `import { withInvocation } from "./sockets.js";`,
    `import * as user from ${JSON.stringify(`../${main}`)};`,
    `const { wrapDefault, wrapExport } = createWrapper(withInvocation, ${JSON.stringify(durableObjects)});`,
    `export default wrapDefault(user.default);`,
    ...named.map((name, index) => `const e${index} = wrapExport(user[${name}], ${name});`),
    `export { ${named.map((name, index) => `e${index} as ${name}`).join(', ')} };`,
    '',
  ].join('\n');
  return { name: ownModules.entry, type: 'esModule', contents };
}
