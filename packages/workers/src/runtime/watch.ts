// Watches the files a Worker is made of. A save is often several events (truncate, write, rename), so events that come
// together become one change, and changes during a rebuild become one more.
import { type FSWatcher, watch } from 'chokidar';

export interface ProjectWatcher extends AsyncDisposable {
  /** Watches exactly these from now on: after a rebuild the bundle's inputs may be others. */
  update(files: readonly string[]): void;
  close(): Promise<void>;
}

export interface WatchOptions {
  /** Milliseconds without an event after which a change is complete. */
  quietMs?: number;
  onError?: (error: unknown) => void;
}

const defaultQuietMs = 15;

class ChokidarWatcher implements ProjectWatcher {
  readonly ready: Promise<void>;
  readonly #watcher: FSWatcher;
  readonly #onChange: (paths: string[]) => void | Promise<void>;
  readonly #quietMs: number;
  readonly #onError: (error: unknown) => void;
  readonly #changed = new Set<string>();
  #files: Set<string>;
  #timer: NodeJS.Timeout | undefined;
  #running = false;
  #closed = false;

  constructor(
    files: readonly string[],
    onChange: (paths: string[]) => void | Promise<void>,
    { quietMs = defaultQuietMs, onError = () => {} }: WatchOptions,
  ) {
    this.#files = new Set(files);
    this.#onChange = onChange;
    this.#quietMs = quietMs;
    this.#onError = onError;
    this.#watcher = watch([...this.#files], {
      ignoreInitial: true,
      depth: 10,
      ignored: /[\\/](?:\.git|node_modules)$/,
    });
    this.#watcher.on('all', (_, path) => this.#note(path));
    this.#watcher.on('error', onError);
    this.ready = new Promise((resolve) => {
      this.#watcher.once('ready', () => resolve());
    });
  }

  update(files: readonly string[]): void {
    const wanted = new Set(files);
    const gone = [...this.#files].filter((file) => !wanted.has(file));
    const added = [...wanted].filter((file) => !this.#files.has(file));
    this.#files = wanted;
    if (gone.length > 0) this.#watcher.unwatch(gone);
    if (added.length > 0) this.#watcher.add(added);
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#watcher.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #note(path: string): void {
    this.#changed.add(path);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#flush(), this.#quietMs);
  }

  async #flush(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    while (this.#changed.size > 0 && !this.#closed) {
      const paths = [...this.#changed];
      this.#changed.clear();
      try {
        await this.#onChange(paths);
      } catch (error) {
        this.#onError(error);
      }
    }
    this.#running = false;
  }
}

/**
 * Calls `onChange` with the changed paths, never twice at a time. Resolves when the watch is in force. Files need not
 * exist yet; folders are watched with what is in them.
 */
export async function watchProject(
  files: readonly string[],
  onChange: (paths: string[]) => void | Promise<void>,
  options: WatchOptions = {},
): Promise<ProjectWatcher> {
  const watcher = new ChokidarWatcher(files, onChange, options);
  await watcher.ready;
  return watcher;
}
