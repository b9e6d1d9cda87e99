// Watches the files a Worker is made of, through the folders they are in: a watch on a file itself goes blind when an
// editor saves by renaming (chokidar 5 lost one in three saves that came 16 ms apart, and some files for good). A save is
// often several events, so events that come together become one change, and changes during a rebuild one more.
import { type FSWatcher, statSync, watch } from 'node:fs';
import { dirname, join, sep } from 'node:path';

export interface ProjectWatcher extends AsyncDisposable {
  /** Watches exactly these from now on: after a rebuild the bundle's inputs may be others. */
  update(paths: readonly string[]): void;
  close(): Promise<void>;
}

export interface WatchOptions {
  /** Milliseconds without an event after which a change is complete. */
  quietMs?: number;
  /** Gets what `onChange` throws, and what the system says when it will not watch a folder. */
  onError?: (error: unknown) => void;
}

interface WatchedFolder {
  watcher: FSWatcher;
  /** Tells a folder from another of the same name that replaced it. */
  inode: number;
}

type OnChange = (paths: string[]) => void | Promise<void>;

const defaultQuietMs = 15;

const inodeOf = (folder: string): number | undefined => statSync(folder, { throwIfNoEntry: false })?.ino;

/** The folder itself, or the nearest one above it that exists. */
function toExisting(folder: string): string {
  let candidate = folder;
  while (inodeOf(candidate) === undefined && dirname(candidate) !== candidate) candidate = dirname(candidate);
  return candidate;
}

class FolderWatcher implements ProjectWatcher {
  readonly #onChange: OnChange;
  readonly #quietMs: number;
  readonly #onError: (error: unknown) => void;
  readonly #folders = new Map<string, WatchedFolder>();
  readonly #changed = new Set<string>();
  #paths: Set<string> = new Set();
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #closed = false;

  constructor(onChange: OnChange, { quietMs = defaultQuietMs, onError = () => {} }: WatchOptions) {
    this.#onChange = onChange;
    this.#quietMs = quietMs;
    this.#onError = onError;
  }

  update(paths: readonly string[]): void {
    this.#paths = new Set(paths);
    this.#arm();
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    for (const folder of this.#folders.keys()) this.#release(folder);
    await this.#running;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Watches the folders that matter now, and those that were replaced anew. */
  #arm(): void {
    if (this.#closed) return;
    const wanted = new Set<string>();
    for (const path of this.#paths) {
      // A path may be a folder, whose entries count, or a file; what does not exist yet may become either.
      wanted.add(toExisting(path));
      wanted.add(toExisting(dirname(path)));
    }
    for (const folder of wanted) if (statSync(folder, { throwIfNoEntry: false })?.isFile()) wanted.delete(folder);
    for (const [folder, { inode }] of this.#folders) {
      if (!wanted.has(folder) || inodeOf(folder) !== inode) this.#release(folder);
    }
    for (const folder of wanted) if (!this.#folders.has(folder)) this.#watch(folder);
  }

  #watch(folder: string): void {
    const inode = inodeOf(folder);
    if (inode === undefined) return;
    try {
      const watcher = watch(folder, (_, name) => this.#note(folder, name));
      watcher.on('error', (error) => this.#onError(error));
      this.#folders.set(folder, { watcher, inode });
    } catch (error) {
      this.#onError(error);
    }
  }

  #release(folder: string): void {
    this.#folders.get(folder)?.watcher.close();
    this.#folders.delete(folder);
  }

  #note(folder: string, name: string | null): void {
    const path = name === null ? folder : join(folder, name);
    const below = path + sep;
    const matters =
      this.#paths.has(path) ||
      this.#paths.has(folder) ||
      [...this.#paths].some((wanted) => wanted.startsWith(below)) ||
      // The folder itself was removed or replaced.
      inodeOf(folder) !== this.#folders.get(folder)?.inode;
    if (!matters) return;
    this.#changed.add(path);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#arm();
      this.#running ??= this.#flush().finally(() => {
        this.#running = undefined;
      });
    }, this.#quietMs);
  }

  async #flush(): Promise<void> {
    while (this.#changed.size > 0 && !this.#closed) {
      const paths = [...this.#changed];
      this.#changed.clear();
      try {
        await this.#onChange(paths);
      } catch (error) {
        this.#onError(error);
      }
    }
  }
}

/**
 * Calls `onChange` with the changed paths, never twice at a time. The watch is in force on return. Files need not exist
 * yet; of a folder, its direct entries count.
 */
export function watchProject(paths: readonly string[], onChange: OnChange, options: WatchOptions = {}): ProjectWatcher {
  const watcher = new FolderWatcher(onChange, options);
  watcher.update(paths);
  return watcher;
}
