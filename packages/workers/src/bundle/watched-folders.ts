// The folders of the project's own build step (`build.watch_dir`), each with the folders below it.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

const skipped = new Set(['node_modules', '.git', '.wrangler']);

/** Every folder at or below the given ones; those that do not exist are named all the same. */
export async function listFolders(folders: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const folder of folders) {
    found.push(folder);
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
    const below = entries.filter((entry) => entry.isDirectory() && !skipped.has(entry.name));
    found.push(...(await listFolders(below.map(({ name }) => join(folder, name)))));
  }
  return found;
}
