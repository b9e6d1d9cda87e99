// What is printed when a command fails: a user's mistake with its remedy, ours with its stack.
import type { ConfigurationError } from '@sallyport/edge';
import { UsageError } from './command.ts';
import { usesColor } from './output/color.ts';

/** Exit code for a call that cannot be understood [sysexits: EX_USAGE]. */
export const usageExit = 64;

/** What the system says when it will not listen, and what to do. */
const listenRemedies: Record<string, string> = {
  EADDRINUSE: 'Stop what uses it, or choose another with --port.',
  EACCES: 'Choose a port above 1023 with --port.',
  EADDRNOTAVAIL: 'Choose an address of this machine with --ip.',
  ENOTFOUND: 'Choose an address of this machine with --ip.',
  EINVAL: 'Choose an address of this machine with --ip.',
};

/** The text for standard error, and the exit code. */
export async function toFailure(error: unknown): Promise<{ text: string; exitCode: number }> {
  if (error instanceof UsageError) {
    const { command } = error;
    const help =
      command === undefined ? 'sallyport --help for what there is' : `sallyport ${command} --help for how it is called`;
    return { text: `${error.message}\nRun ${help}.\n`, exitCode: usageExit };
  }
  if (isConfigurationError(error)) {
    // Only a command that reads a project's configuration gets here, and has loaded this already.
    const { formatDiagnostics } = await import('@sallyport/workers');
    const options = { color: usesColor(process.stderr), cwd: process.cwd() };
    return { text: formatDiagnostics(error.diagnostics, options), exitCode: 1 };
  }
  const { code = '', syscall, message, remedy, stack } = error as NodeJS.ErrnoException & { remedy?: string };
  if (remedy !== undefined) return { text: `${message}\n${remedy}\n`, exitCode: 1 };
  const listening = syscall === 'listen' || syscall === 'getaddrinfo' ? listenRemedies[code] : undefined;
  if (listening === undefined) return { text: `${stack ?? String(error)}\n`, exitCode: 1 };
  const what = code === 'EADDRINUSE' ? 'The port is taken' : 'Cannot listen there';
  return { text: `${what}: ${message}\n${listening}\n`, exitCode: 1 };
}

function isConfigurationError(error: unknown): error is ConfigurationError {
  return error instanceof Error && error.name === 'ConfigurationError';
}
