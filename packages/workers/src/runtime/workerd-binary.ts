// Where workerd's executable is. It is started directly: the `workerd` package's launcher is a Node script that would
// stand between us and the process.
import { createRequire } from 'node:module';
import { arch, platform } from 'node:process';
import { WorkersError } from '../errors.ts';

const packages: Readonly<Record<string, string>> = {
  'linux-x64': '@cloudflare/workerd-linux-64',
  'linux-arm64': '@cloudflare/workerd-linux-arm64',
  'darwin-x64': '@cloudflare/workerd-darwin-64',
  'darwin-arm64': '@cloudflare/workerd-darwin-arm64',
};

/** Absolute path of the executable. @throws WorkersError `workerd_platform`, `workerd_missing` */
export function resolveWorkerd(): string {
  const name = packages[`${platform}-${arch}`];
  if (name === undefined) throw new WorkersError('workerd_platform', { platform: `${platform}-${arch}` });
  try {
    // The platform's package is a dependency of `workerd`, not of ours.
    const fromHere = createRequire(import.meta.url);
    return createRequire(fromHere.resolve('workerd')).resolve(`${name}/bin/workerd`);
  } catch (cause) {
    throw new WorkersError('workerd_missing', { package: name }, { cause });
  }
}
