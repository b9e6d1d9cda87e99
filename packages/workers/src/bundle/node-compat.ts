// What `node:*` imports become, by the project's Node.js compatibility mode [wrangler nodejs-compat plugins].
import { builtinModules, createRequire } from 'node:module';
import { resolve } from 'node:path';
import { getCloudflarePreset } from '@cloudflare/unenv-preset';
import type { PartialMessage, Plugin, PluginBuild } from 'esbuild';
import { defineEnv } from 'unenv';
import { nodeCompatMode } from '../config/compatibility.ts';
import { toErrorText } from '../errors.ts';
import { toNodeModule } from './node-modules.ts';
import type { Project } from '../project.ts';
import { toExternal } from './required-module.ts';

const require = createRequire(import.meta.url);
const builtin = new RegExp(`^(?:node:)?(?:${builtinModules.filter((name) => !name.startsWith('_')).join('|')})$`);

/** What unenv puts in the place of packages that need more than Workers have. */
const unenvPackage = /^unenv\/(?:npm|mock)\//;

/** A CommonJS module of an ES module: its default export, with the named ones on it [wrangler hybrid-nodejs-compat]. */
function toRequired(path: string): string {
  return `import * as all from ${JSON.stringify(path)};
const { default: required = {}, ...named } = all;
for (const name of Object.keys(named)) {
  if (!(name in required)) Object.defineProperty(required, name, { value: named[name], enumerable: true });
}
module.exports = required;`;
}

/** Leaves `node:*` to the runtime, and says that it will probably not be there. */
function withoutNode(provided: readonly string[]): Plugin {
  return {
    name: 'sallyport-without-node',
    setup(build) {
      build.onResolve({ filter: /^node:/ }, (args) => {
        const external = toExternal(args, args.path, 'default');
        if (provided.includes(args.path)) return external;
        const { message, remedy } = toErrorText('node_module_unavailable', { specifier: args.path });
        const warning: PartialMessage = { text: message, detail: { code: 'node_module_unavailable', remedy } };
        return { ...external, warnings: [warning] };
      });
    },
  };
}

type NodeEnvironment = ReturnType<typeof defineEnv>['env'];

/** Binds each Node.js module to workerd's own, to unenv's, or to both mixed, as the preset says. */
function bindModules(build: PluginBuild, { alias, external }: NodeEnvironment): void {
  const targets = new Map<string, { path: string; external: boolean }>();
  for (const [name, target] of Object.entries(alias)) {
    const isExternal = external.includes(target);
    try {
      targets.set(name, { path: isExternal ? target : require.resolve(target), external: isExternal });
    } catch {
      // An alias for an optional package that is not installed.
    }
  }
  const escaped = [...targets.keys()].map((name) => name.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));
  build.onResolve({ filter: new RegExp(`^(?:${escaped.join('|')})$`) }, (args) => {
    const target = targets.get(args.path);
    if (!target) return undefined;
    if (target.external) {
      const ours = toNodeModule(args.path);
      return toExternal(args, ours === undefined ? target.path : `./${ours}`, 'default');
    }
    // Polyfills are ES modules whose default export is what require() would return, and so are unenv's npm packages.
    if (args.kind === 'require-call' && (builtin.test(args.path) || unenvPackage.test(alias[args.path] ?? ''))) {
      return { path: args.path, namespace: 'sallyport-polyfill', pluginData: target.path };
    }
    return { path: target.path };
  });
  build.onLoad({ filter: /.*/, namespace: 'sallyport-polyfill' }, ({ pluginData }) => ({
    contents: toRequired(pluginData as string),
    loader: 'js',
    resolveDir: resolve('/'),
  }));
}

/** Injects the globals that workerd lacks; one virtual module for each module they come from. */
function injectGlobals(build: PluginBuild, { inject, polyfill }: NodeEnvironment): void {
  const lines = new Map<string, string[]>();
  for (const [name, source] of Object.entries(inject)) {
    const [specifier = '', exported = 'default'] = typeof source === 'string' ? [source] : source;
    const path = require.resolve(specifier);
    const assignment = `import { ${exported} as ${name}_ } from ${JSON.stringify(path)};\nglobalThis.${name} = ${name}_;`;
    lines.set(path, [...(lines.get(path) ?? []), assignment]);
  }
  const prefix = resolve('/', 'sallyport-node-globals-');
  const virtual = new Map([...lines.values()].map((text, index) => [`${prefix}${index}.js`, text.join('\n')]));
  const polyfills = new Set(polyfill.map((specifier) => require.resolve(specifier)));
  build.initialOptions.inject = [...(build.initialOptions.inject ?? []), ...virtual.keys(), ...polyfills];
  build.onResolve({ filter: /sallyport-node-globals-\d+\.js$/ }, ({ path }) => ({
    path,
    namespace: 'sallyport-globals',
    sideEffects: true,
  }));
  build.onLoad({ filter: /.*/, namespace: 'sallyport-globals' }, ({ path }) => ({
    contents: virtual.get(path) ?? '',
    loader: 'js',
    resolveDir: resolve('/'),
  }));
}

function withNode({ compatibilityDate, compatibilityFlags }: Project): Plugin {
  const preset = getCloudflarePreset({ compatibilityDate, compatibilityFlags });
  // unenv would replace the `debug` package by a stub; Workers run the real one.
  const { env } = defineEnv({ presets: [preset, { alias: { debug: 'debug' } }], npmShims: true });
  const { debug: _, ...alias } = env.alias;
  return {
    name: 'sallyport-node',
    setup(build) {
      bindModules(build, { ...env, alias });
      injectGlobals(build, env);
    },
  };
}

/** The plugin for the project's mode; `v1` has none and is refused before. */
export function nodeCompatPlugin(project: Project): Plugin {
  switch (nodeCompatMode(project.compatibilityDate, project.compatibilityFlags)) {
    case 'v2':
      return withNode(project);
    case 'als':
      return withoutNode(['node:async_hooks']);
    default:
      return withoutNode([]);
  }
}
