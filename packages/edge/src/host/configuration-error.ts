// A project that cannot run as it is configured. The diagnostics say what to correct, and have been reported.
import type { Diagnostic } from '@sallyport/workers';

export class ConfigurationError extends Error {
  override readonly name: string = 'ConfigurationError';
  readonly diagnostics: readonly Diagnostic[];

  constructor(diagnostics: readonly Diagnostic[]) {
    super('The configuration has errors.');
    this.diagnostics = diagnostics;
  }
}
