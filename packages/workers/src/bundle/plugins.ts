// The esbuild plugins every Worker needs: aliases, module rules and the socket binding.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Plugin } from 'esbuild';
import type { BundleModule } from './bundle.ts';
import { ownModules } from './entry-module.ts';
import type { Matcher } from './module-rules.ts';
import { toExternal } from './required-module.ts';

/** Marks a resolution that a plugin asked for itself. */
const asked = Symbol('resolution by a plugin');

/** Replaces exact specifiers before any other plugin sees them, as wrangler does; esbuild's own aliases come too late. */
export function aliasPlugin(alias: Readonly<Record<string, string>>, root: string): Plugin {
  return {
    name: 'sallyport-alias',
    setup(build) {
      const names = Object.keys(alias);
      if (names.length === 0) return;
      const escaped = names.map((name) => name.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));
      build.onResolve({ filter: new RegExp(`^(?:${escaped.join('|')})$`) }, ({ path, kind, importer, pluginData }) => {
        if (pluginData === asked) return undefined;
        return build.resolve(alias[path] ?? path, { kind, importer, resolveDir: root, pluginData: asked });
      });
    },
  };
}

/** Binds `cloudflare:sockets` to our module, which alone imports the real one. */
export const socketsPlugin: Plugin = {
  name: 'sallyport-sockets',
  setup(build) {
    build.onResolve({ filter: /^cloudflare:sockets$/ }, (args) =>
      toExternal(args, `./${ownModules.sockets}`, 'namespace'),
    );
  },
};

/** Modules that rules keep apart, as found by the latest build. */
export interface CollectedModules {
  modules: Map<string, BundleModule>;
  files: Set<string>;
}

/** Emits files that match a rule as modules of their own, named after their content. */
export function rulesPlugin(matchers: readonly Matcher[], collected: CollectedModules): Plugin {
  return {
    name: 'sallyport-rules',
    setup(build) {
      build.onStart(() => {
        collected.modules.clear();
        collected.files.clear();
      });
      for (const { type, pattern } of matchers) {
        if (type === 'esModule' || type === 'commonJs') continue;
        build.onResolve({ filter: pattern }, async (args) => {
          if (args.pluginData === asked) return undefined;
          const { kind, importer, resolveDir } = args;
          const specifier = args.path.replace(/\?module$/, '');
          const found = await build.resolve(specifier, { kind, importer, resolveDir, pluginData: asked });
          if (found.errors.length > 0 || found.external) return found;
          const contents = await readFile(found.path);
          const hash = createHash('sha256').update(contents).digest('hex').slice(0, 16);
          const name = `${hash}-${basename(found.path)}`;
          collected.modules.set(name, { name, type, contents });
          collected.files.add(found.path);
          return toExternal(args, `./${name}`, 'default');
        });
      }
    },
  };
}
