// Lists the repository's own TypeScript files, as git sees them (tracked, or new and not ignored).
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';

/** Paths relative to the repository's root, matching the given git pathspecs. */
export async function sourceFiles(...pathspecs: string[]): Promise<string[]> {
  const { stdout } = await promisify(execFile)('git', [
    'ls-files',
    '--cached',
    '--others',
    '--exclude-standard',
    '--',
    ...pathspecs,
  ]);
  return stdout.split('\n').filter((path) => path !== '' && existsSync(path));
}
