// What bundling produces: the modules workerd loads, and what is known about them.
import type { Diagnostic } from '../project.ts';

/** How workerd is to load a module. */
export type ModuleType = 'esModule' | 'commonJs' | 'text' | 'data' | 'wasm';

/** One module as workerd loads it. `name` is what other modules import, relative to the Worker's root. */
export interface BundleModule {
  name: string;
  type: ModuleType;
  contents: string | Uint8Array;
}

/** A problem in the user's sources, with the line it is about. */
export interface SourceDiagnostic extends Diagnostic {
  /** The line's text, without its newline. */
  lineText: string | undefined;
  /** How many characters from `column` on the problem covers. */
  length: number | undefined;
  /** Further facts, each with its own place when it has one. */
  notes: string[];
}

/** A bundled Worker. */
export interface Bundle {
  /** The entry comes first, as workerd wants it. */
  modules: BundleModule[];
  /** Name of the entry module: our wrapper around the user's. */
  entry: string;
  /** Source map (version 3, JSON) of each generated module, its `sources` as absolute paths. */
  sourceMaps: ReadonlyMap<string, string>;
  /** Absolute paths whose change means the bundle is out of date. */
  inputs: string[];
  /** What the user's entry exports. */
  exports: string[];
  warnings: SourceDiagnostic[];
  /** Size of all modules together. */
  bytes: number;
}

/** Modules of our own live under this folder of the Worker; the user's stack traces leave it out. */
export const ownFolder = 'sallyport/';
