// Runs a TypeScript file of this repository from source: `node tools/run.mjs FILE [ARG ...]`.
//
// Workspace packages resolve to their sources (the `sallyport-source` condition), so nothing has to be built first.
// Node 22.18 and newer strip types themselves; on Node 20 a prebuilt loader does it.
import { spawn } from 'node:child_process';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const stripsTypes = major > 22 || (major === 22 && minor >= 18);

/** The flags under which `node` runs our TypeScript sources. */
export const sourceFlags = [
  '--conditions=sallyport-source',
  ...(stripsTypes ? [] : ['--import', import.meta.resolve('tsx')]),
];

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const child = spawn(process.execPath, [...sourceFlags, ...process.argv.slice(2)], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)));
}
