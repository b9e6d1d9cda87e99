// Tells when any of a changing list of files has changed. One save often is several events (write, rename, touch): they
// are told as one.
import { type FSWatcher, watch } from 'chokidar';

/** Milliseconds without a further event after which a change is told. */
const settleTime = 30;

export interface FileWatcher {
  /** These files and folders count from now on, and no others. */
  update(paths: readonly string[]): void;
  close(): Promise<void>;
}

export function createFileWatcher(onChange: () => void): FileWatcher {
  let watcher: FSWatcher | undefined;
  let watched = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  const changed = (): void => {
    clearTimeout(timer);
    timer = setTimeout(onChange, settleTime);
  };
  return {
    update(paths) {
      const wanted = new Set(paths);
      if (watcher === undefined) {
        watcher = watch([...wanted], { ignoreInitial: true, ignored: /[/\\](?:node_modules|\.git|\.sallyport)[/\\]/ });
        watcher.on('all', changed);
      } else {
        const gone = [...watched].filter((path) => !wanted.has(path));
        const added = [...wanted].filter((path) => !watched.has(path));
        if (gone.length > 0) watcher.unwatch(gone);
        if (added.length > 0) watcher.add(added);
      }
      watched = wanted;
    },
    async close() {
      clearTimeout(timer);
      await watcher?.close();
    },
  };
}
