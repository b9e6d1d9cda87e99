// From a project to the modules workerd loads. esbuild's context keeps parsed files between builds, so a rebuild costs
// what changed.
import { dirname, resolve } from 'node:path';
import { type BuildContext, type BuildFailure, type BuildResult, context } from 'esbuild';
import { nodeCompatMode } from '../config/compatibility.ts';
import type { Project } from '../project.ts';
import { startBuildCommand } from './build-command.ts';
import { BuildError } from './build-error.ts';
import type { Bundle, BundleModule, SourceDiagnostic } from './bundle.ts';
import { fromMessage, toFinding } from './diagnostics.ts';
import { ownModules, toEntryModule } from './entry-module.ts';
import { toBuildOptions } from './esbuild-options.ts';
import { toMissingPaths } from './missing-imports.ts';
import { toMatchers } from './module-rules.ts';
import { nodeCompatPlugin } from './node-compat.ts';
import { buildOwnModules } from './own-modules.ts';
import { aliasPlugin, type CollectedModules, rulesPlugin, socketsPlugin } from './plugins.ts';
import { requiredModules } from './required-module.ts';
import { toAbsoluteSources } from './source-maps.ts';
import { startUnbundled } from './unbundled.ts';
import { listFolders } from './watched-folders.ts';

export interface BundlerOptions {
  /** Absolute path of the module that `cloudflare:sockets` means; by default `@sallyport/sockets/worker`. */
  socketsModule?: string;
  /** Where `WRANGLER_BUILD_CONDITIONS` and `WRANGLER_BUILD_PLATFORM` are read from; by default `process.env`. */
  environment?: NodeJS.ProcessEnv;
}

/** The user's part of a bundle, before our modules are put around it. */
export interface UserModules {
  /** Module name of the user's entry. */
  main: string;
  modules: BundleModule[];
  sourceMaps: Map<string, string>;
  inputs: string[];
  exports: string[];
  warnings: SourceDiagnostic[];
}

/** Bundles one project again and again. */
export interface Bundler extends AsyncDisposable {
  /** @throws BuildError with the places to correct; WorkersError `build_command_failed` */
  build(): Promise<Bundle>;
  close(): Promise<void>;
}

const mainModule = 'index.js';

/** Inputs that plugins or esbuild itself made up. */
const notAFile = /^(?:sallyport-[a-z]+:|<|\(disabled\):)/;

const isFailure = (error: unknown): error is BuildFailure =>
  error instanceof Error && Array.isArray((error as Partial<BuildFailure>).errors);

class EsbuildBundler implements Bundler {
  readonly #project: Project;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #collected: CollectedModules = { modules: new Map(), files: new Set() };
  readonly #socketsModule: string | undefined;
  readonly #closing: AbortController = new AbortController();
  #context: Promise<BuildContext> | undefined;
  #own: Promise<BundleModule[]> | undefined;
  #inputs: string[] = [];

  constructor(project: Project, { socketsModule, environment = process.env }: BundlerOptions) {
    this.#project = project;
    this.#socketsModule = socketsModule;
    this.#environment = environment;
  }

  async build(): Promise<Bundle> {
    const { build, main, compatibilityDate: date, compatibilityFlags, noBundle } = this.#project;
    const { signal } = this.#closing;
    if (build.command !== undefined) await startBuildCommand(build.command, { cwd: build.cwd, signal });
    if (nodeCompatMode(date, compatibilityFlags) === 'v1') {
      throw this.#failure([toFinding('node_compat_v1', { date }, { severity: 'error', main })]);
    }
    const withNode = nodeCompatMode(date, compatibilityFlags) === 'v2';
    this.#own ??= buildOwnModules({ socketsModule: this.#socketsModule, withNode });
    const [own, user] = await Promise.all([this.#own, noBundle ? this.#unbundled() : this.#bundled()]);
    this.#inputs = user.inputs;
    this.#check(user.exports);
    return this.#assemble(user, own, await listFolders(build.watchDirs));
  }

  async close(): Promise<void> {
    this.#closing.abort();
    const opened = this.#context;
    this.#context = undefined;
    await (await opened)?.dispose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #open(): Promise<BuildContext> {
    const project = this.#project;
    return context({
      ...toBuildOptions(project, this.#environment),
      plugins: [
        requiredModules,
        aliasPlugin(project.alias, project.root),
        rulesPlugin(toMatchers(project.rules), this.#collected),
        socketsPlugin,
        nodeCompatPlugin(project),
      ],
    });
  }

  async #bundled(): Promise<UserModules> {
    const { root, main } = this.#project;
    this.#context ??= this.#open();
    const result = await this.#guard(async () => (await this.#context!).rebuild());
    const text = (suffix: string): string => result.outputFiles?.find((file) => file.path.endsWith(suffix))?.text ?? '';
    const output = Object.values(result.metafile?.outputs ?? {}).find(
      (candidate) => candidate.entryPoint !== undefined,
    );
    const files = Object.keys(result.metafile?.inputs ?? {}).filter((path) => !notAFile.test(path));
    return {
      main: mainModule,
      modules: [
        { name: mainModule, type: 'esModule', contents: text('index.js') },
        ...this.#collected.modules.values(),
      ],
      sourceMaps: new Map([[mainModule, toAbsoluteSources(text('index.js.map'), root)]]),
      inputs: [...files.map((path) => resolve(root, path)), ...this.#collected.files],
      exports: output?.exports ?? [],
      warnings: result.warnings.map((message) => fromMessage(message, { severity: 'warning', root, main })),
    };
  }

  #unbundled(): Promise<UserModules> {
    return this.#guard(() => startUnbundled(this.#project));
  }

  /** Runs a build and turns esbuild's failure into ours. */
  async #guard<Result extends BuildResult | UserModules>(run: () => Promise<Result>): Promise<Result> {
    const { root, main } = this.#project;
    try {
      return await run();
    } catch (error) {
      if (!isFailure(error)) throw error;
      const diagnostics = error.errors.map((message) => fromMessage(message, { severity: 'error', root, main }));
      throw this.#failure(diagnostics, {
        cause: error,
        missing: toMissingPaths(error.errors, { root, known: this.#inputs }),
      });
    }
  }

  /** A failed build has no list of inputs: those of the last good one count, what the errors name, and what is missing. */
  #failure(
    diagnostics: SourceDiagnostic[],
    { cause, missing = [] }: { cause?: unknown; missing?: readonly string[] } = {},
  ): BuildError {
    const { main } = this.#project;
    const named = diagnostics.flatMap(({ file }) => [file, dirname(file)]);
    return new BuildError(main, diagnostics, [...new Set([main, ...this.#inputs, ...named, ...missing])], cause);
  }

  #check(exports: readonly string[]): void {
    const { main, durableObjects } = this.#project;
    const place = { severity: 'error', main } as const;
    if (!exports.includes('default')) throw this.#failure([toFinding('service_worker_format', { exports }, place)]);
    const missing = durableObjects.map(({ className }) => className).filter((name) => !exports.includes(name));
    if (missing.length === 0) return;
    const findings = [...new Set(missing)].map((className) =>
      toFinding('missing_class_export', { className, exports }, place),
    );
    throw this.#failure(findings);
  }

  #assemble(user: UserModules, own: BundleModule[], folders: string[]): Bundle {
    const { main, exports, sourceMaps, warnings } = user;
    const durableObjects = this.#project.durableObjects.map(({ className }) => className);
    const modules = [toEntryModule({ main, exports, durableObjects }), ...user.modules, ...own];
    const inputs = [...new Set([...user.inputs, ...folders])];
    const bytes = modules.reduce((sum, { contents }) => sum + Buffer.byteLength(contents), 0);
    return { modules, entry: ownModules.entry, sourceMaps, inputs, exports, warnings, bytes };
  }
}

/** Creates a bundler for the project; nothing is read before `build()`. */
export function createBundler(project: Project, options: BundlerOptions = {}): Bundler {
  return new EsbuildBundler(project, options);
}
