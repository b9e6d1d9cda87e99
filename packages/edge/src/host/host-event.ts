// What happens to a Worker while the edge runs it; whoever shows it to people renders these.
import type { Diagnostic, RuntimeLog } from '@sallyport/workers';

export type HostEvent =
  | { type: 'diagnostics'; diagnostics: readonly Diagnostic[] }
  /** The Worker answers requests. `took`: milliseconds since its files were read; `bytes`: size of its modules. */
  | { type: 'ready'; took: number; bytes: number; reload: boolean }
  /** Files changed, but not the Worker made from them. */
  | { type: 'unchanged' }
  /** It could not be built or started; the previous one, if any, goes on. */
  | { type: 'failed'; error: Error; stillRunning: boolean }
  | { type: 'log'; log: RuntimeLog }
  /** The runtime ended by itself. `restartIn`: milliseconds; undefined when it is given up. */
  | { type: 'crashed'; output: string; restartIn: number | undefined }
  | { type: 'cron'; cron: string; outcome: string };

export type OnHostEvent = (event: HostEvent) => void;
