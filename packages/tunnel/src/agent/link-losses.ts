// What the log says about links that are lost or cannot be made: the first of a row in full, of the rest one now and then,
// so that an edge that is away for hours fills no disk.
import type { TunnelError } from '../link/tunnel-error.ts';
import type { Log } from './log.ts';

/** Of so many losses in a row with the same reason one is logged; the others at `debug`. */
export const loggedEvery = 20;

interface Row {
  code: string;
  count: number;
}

export class LinkLosses {
  readonly #log: Log;
  /** By link. */
  readonly #rows = new Map<number, Row>();
  readonly #up = new Set<number>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** The link stands. */
  over(index: number): void {
    this.#rows.delete(index);
    this.#up.add(index);
  }

  /** `wait`: milliseconds until the next attempt; `last`: there is none. */
  report(
    error: TunnelError,
    { index, edge, wait, last }: { index: number; edge: string; wait: number; last: boolean },
  ): void {
    const known = this.#rows.get(index);
    const row: Row = known?.code === error.code ? known : { code: error.code, count: 0 };
    row.count += 1;
    this.#rows.set(index, row);
    const stood = this.#up.delete(index);
    const loud = row.count === 1 || row.count % loggedEvery === 0;
    const level = loud ? (error.retryable ? 'warn' : 'error') : 'debug';
    this.#log(level, stood ? 'Connection lost' : 'Unable to establish connection with the edge', {
      connIndex: index,
      edge,
      code: error.code,
      error: describe(error),
      remedy: error.remedy,
      ...(row.count > 1 ? { attempts: row.count } : {}),
    });
    if (last) return;
    this.#log(loud ? 'info' : 'debug', 'Retrying connection', { connIndex: index, in: `${(wait / 1000).toFixed(1)}s` });
  }
}

/** The reason behind the message, unless the message says it. */
function describe({ message, cause }: TunnelError): string {
  const reason = cause instanceof Error ? cause.message.trim() : '';
  return reason === '' || message.includes(reason) ? message : `${message}: ${reason}`;
}
