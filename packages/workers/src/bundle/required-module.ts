// `require()` of something that stays outside the bundle. An ES module has no `require`, so each such call goes through a
// virtual CommonJS module that imports it instead.
import type { OnResolveArgs, OnResolveResult, Plugin } from 'esbuild';

const namespace = 'sallyport-required';

/** How the outside module's exports become what `require` returns. */
export type RequiredShape = 'default' | 'namespace';

/** Keeps `path` outside the bundle, whether it is imported or required. */
export function toExternal({ kind }: OnResolveArgs, path: string, shape: RequiredShape): OnResolveResult {
  if (kind === 'require-call') return { path, namespace, pluginData: shape };
  return { path, external: true };
}

/** Loads the virtual modules that `toExternal` refers to. */
export const requiredModules: Plugin = {
  name: 'sallyport-required',
  setup(build) {
    build.onResolve({ filter: /.*/, namespace }, ({ path }) => ({ path, external: true }));
    build.onLoad({ filter: /.*/, namespace }, ({ path, pluginData }) => {
      const specifier = JSON.stringify(path);
      const imported =
        pluginData === 'default' ? `import required from ${specifier}` : `import * as required from ${specifier}`;
      return { contents: `${imported};\nmodule.exports = required;`, loader: 'js' };
    });
  },
};
