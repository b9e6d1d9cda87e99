// The connector: keeps a number of links to the edge up, spread over its addresses.
import { randomUUID } from 'node:crypto';
import { systemClock } from '@sallyport/egress';
import { drainGrace } from '../link/protocol.ts';
import type { TunnelError } from '../link/tunnel-error.ts';
import { toBackoff } from './backoff.ts';
import { ConnectorLink, type ConnectorLinkOptions, type EdgeAddress } from './connector-link.ts';

export const defaultLinks = 4;
/** Milliseconds a link must have stood before its failures are forgotten. */
export const stablePeriod = 60_000;

/** One of the connector's links: its number, from 0, and the edge it was dialled to. */
export interface LinkInfo {
  readonly index: number;
  readonly edge: EdgeAddress;
}

type PassedOn = Omit<ConnectorLinkOptions, 'edge' | 'connectorId' | 'clock' | 'registered' | 'draining'>;

export interface ConnectorOptions extends PassedOn, Partial<Pick<ConnectorLinkOptions, 'clock' | 'connectorId'>> {
  edges: readonly EdgeAddress[];
  links?: number | undefined;
  random?: (() => number) | undefined;
  /** The number of registered links changed. */
  changed?: ((live: number) => void) | undefined;
  /** A link was registered. */
  registered?: ((link: LinkInfo) => void) | undefined;
  /** A link ended or could not be made, and when the next dial is due, in milliseconds. */
  lost?: ((error: TunnelError, wait: number, link: LinkInfo) => void) | undefined;
}

export class Connector implements AsyncDisposable {
  readonly connectorId: string;
  readonly #options: ConnectorOptions;
  /** Every link there is, and whether it is registered and not draining. */
  readonly #links = new Map<ConnectorLink, boolean>();
  readonly #waits = new Set<() => void>();
  #closing: Promise<void> | undefined;

  constructor(options: ConnectorOptions) {
    this.#options = options;
    this.connectorId = options.connectorId ?? randomUUID();
  }

  /** Links that are registered and take new connections. */
  get live(): number {
    return [...this.#links.values()].filter(Boolean).length;
  }

  /** Starts dialling; returns at once. */
  start(): this {
    const { links = defaultLinks } = this.#options;
    for (let slot = 0; slot < links; slot += 1) this.#dial(slot, 0);
    return this;
  }

  /** Drains every link: running connections get `grace` milliseconds to finish. */
  close(grace: number = drainGrace): Promise<void> {
    this.#closing ??= (async () => {
      for (const cancel of this.#waits) cancel();
      await Promise.all([...this.#links.keys()].map((link) => link.drain(grace)));
    })();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Keeps one slot served; `failures` counts those since it was last stable, and moves on to the next address. */
  #dial(slot: number, failures: number): void {
    const { edges, clock = systemClock, changed, registered, lost, random = Math.random } = this.#options;
    const info: LinkInfo = { index: slot, edge: edges[(slot + failures) % edges.length]! };
    let stable = false;
    let replaced = false;
    let cancelStable: (() => void) | undefined;
    const next = (count: number, wait: number): void => {
      if (this.#closing !== undefined) return;
      const cancel = clock.after(wait, () => {
        this.#waits.delete(cancel);
        this.#dial(slot, count);
      });
      this.#waits.add(cancel);
    };
    const link: ConnectorLink = new ConnectorLink({
      ...this.#options,
      connectorId: this.connectorId,
      clock,
      edge: info.edge,
      registered: () => {
        this.#links.set(link, true);
        cancelStable = clock.after(stablePeriod, () => (stable = true));
        registered?.(info);
        changed?.(this.live);
      },
      draining: () => {
        if (replaced) return;
        replaced = true;
        this.#links.set(link, false);
        changed?.(this.live);
        next(failures + 1, 0);
      },
    });
    this.#links.set(link, false);
    void link.start().closed.then((error) => {
      cancelStable?.();
      this.#links.delete(link);
      changed?.(this.live);
      if (replaced || this.#closing !== undefined) return;
      const count = stable ? 1 : failures + 1;
      const wait = toBackoff(count, { random });
      lost?.(error, wait, info);
      next(count, wait);
    });
  }
}
