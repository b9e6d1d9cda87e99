// A private Gopher server (Gophernicus) for a folder of files: `await use(t, startGophernicus({ 'hello.txt': 'hi' }))`.
import { serverProgram } from './available.ts';
import { startInetd } from './inetd.ts';
import { ServerDirectory, serverUser } from './process.ts';
import type { RunningServer } from './server.ts';

export async function startGophernicus(files: Readonly<Record<string, string>>): Promise<RunningServer> {
  const directory = new ServerDirectory('gophernicus', serverUser('nobody'));
  const root = directory.makeFolder('files');
  // It serves what everybody may read.
  for (const [name, content] of Object.entries(files)) directory.write(`files/${name}`, content, 0o644);
  return startInetd({
    directory,
    command: serverProgram('gophernicus', 'gophernicus'),
    arguments: ['-r', root, '-h', 'localhost', '-nv', '-nu', '-nx', '-nq'],
  });
}
