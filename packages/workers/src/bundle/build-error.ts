// A Worker that could not be built, as a list of places to correct.
import { WorkersError } from '../errors.ts';
import type { SourceDiagnostic } from './bundle.ts';

export class BuildError extends WorkersError<'build_failed'> {
  readonly diagnostics: readonly SourceDiagnostic[];
  /** Absolute paths whose change may repair the build. */
  readonly inputs: readonly string[];

  constructor(main: string, diagnostics: readonly SourceDiagnostic[], inputs: readonly string[], cause?: unknown) {
    super('build_failed', { main, errors: diagnostics.length }, cause === undefined ? {} : { cause });
    this.diagnostics = diagnostics;
    this.inputs = inputs;
  }
}
