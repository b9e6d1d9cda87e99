// The files whose change means a reload, as they become known. Two things are not what they seem: a file that was saved
// between being read and being watched, and a file that the project's own build step has just written.
import { stat } from 'node:fs/promises';

export class WatchedFiles {
  readonly #tell: (files: readonly string[]) => void;
  #watched: ReadonlySet<string> = new Set();

  /** `tell` gets the files to watch, whenever they become others. */
  constructor(tell: (files: readonly string[]) => void) {
    this.#tell = tell;
  }

  /**
   * Changes of these files count from now on. `since` is when they began to be read (milliseconds since 1970); with
   * `generates`, those that changed after it are outputs of the build step, and watching them would build for ever.
   * Resolves to true when a file may have been read too early.
   */
  async update(
    files: readonly string[],
    { since, generates }: { since: number; generates: boolean },
  ): Promise<boolean> {
    const recent = new Set<string>();
    const look = async (file: string): Promise<void> => {
      const stats = await stat(file).catch(() => undefined);
      if (stats?.isFile() === true && stats.mtimeMs > since) recent.add(file);
    };
    // Before looking, so that nothing falls between.
    if (!generates) this.#tell(files);
    await Promise.all(files.map(look));
    const kept = generates ? files.filter((file) => !recent.has(file)) : files;
    const missed = kept.some((file) => recent.has(file) && !this.#watched.has(file));
    if (generates) this.#tell(kept);
    this.#watched = new Set(kept);
    return missed;
  }
}
