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
/** Milliseconds within which the other links are dialled once one is back. */
export const returnSpread = 200;

type PassedOn = Omit<ConnectorLinkOptions, 'edge' | 'index' | 'connectorId' | 'clock' | 'registered' | 'draining'>;

/** One of the connector's links: its number, from 0, and the edge it was dialled to. */
export interface LinkInfo {
  readonly index: number;
  readonly edge: EdgeAddress;
}

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

/** What is known of one of the links that are to stand. */
interface Slot {
  readonly index: number;
  /** Dials so far; each goes to the next address. */
  dials: number;
  /** Failures in a row. */
  failures: number;
}

/** A dial that is due. */
interface Wait {
  readonly slot: Slot;
  /** Milliseconds. */
  readonly wait: number;
  readonly retryable: boolean;
  /** Called when the dial has succeeded or failed. */
  readonly settled?: (() => void) | undefined;
}

export class Connector implements AsyncDisposable {
  readonly connectorId: string;
  readonly #options: ConnectorOptions;
  /** Every link there is, and whether it is registered and not draining. */
  readonly #links = new Map<ConnectorLink, boolean>();
  readonly #waits = new Map<Wait, () => void>();
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
    for (let index = 0; index < links; index += 1) this.#dial({ index, dials: 0, failures: 0 });
    return this;
  }

  /** Drains every link: running connections get `grace` milliseconds to finish. */
  close(grace: number = drainGrace): Promise<void> {
    this.#closing ??= (async () => {
      for (const cancel of this.#waits.values()) cancel();
      this.#waits.clear();
      await Promise.all([...this.#links.keys()].map((link) => link.drain(grace)));
    })();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Keeps one slot served. `settled` is called when this dial has succeeded or failed. */
  #dial(slot: Slot, settled?: () => void): void {
    const { edges, clock = systemClock, changed, registered, lost, random = Math.random } = this.#options;
    const info: LinkInfo = { index: slot.index, edge: edges[(slot.index + slot.dials) % edges.length]! };
    slot.dials += 1;
    let replaced = false;
    let cancelStable: (() => void) | undefined;
    const link: ConnectorLink = new ConnectorLink({
      ...this.#options,
      connectorId: this.connectorId,
      clock,
      ...info,
      registered: () => {
        this.#links.set(link, true);
        cancelStable = clock.after(stablePeriod, () => (slot.failures = 0));
        registered?.(info);
        changed?.(this.live);
        settled?.();
        this.#hurry();
      },
      draining: () => {
        if (replaced || this.#closing !== undefined) return;
        replaced = true;
        cancelStable?.();
        this.#links.set(link, false);
        changed?.(this.live);
        // An edge that drains every link as soon as it stands must not be dialled in a circle.
        const wait = slot.failures === 0 ? 0 : toBackoff(slot.failures, { random, retryable: true });
        slot.failures += 1;
        this.#wait({ slot, wait, retryable: true, settled: () => link.moved() });
      },
    });
    this.#links.set(link, false);
    void link.start().closed.then((error) => {
      cancelStable?.();
      this.#links.delete(link);
      changed?.(this.live);
      settled?.();
      if (replaced || this.#closing !== undefined) return;
      slot.failures += 1;
      const { retryable } = error;
      const wait = toBackoff(slot.failures, { random, retryable });
      lost?.(error, wait, info);
      this.#wait({ slot, wait, retryable });
    });
  }

  #wait(due: Wait): void {
    const { clock = systemClock } = this.#options;
    const cancel = clock.after(due.wait, () => {
      this.#waits.delete(due);
      this.#dial(due.slot, due.settled);
    });
    this.#waits.set(due, cancel);
  }

  /** One link is back, so the edge is: the others do not sit out their time. */
  #hurry(): void {
    const { random = Math.random } = this.#options;
    const waits = [...this.#waits];
    for (const [due, cancel] of waits) {
      if (!due.retryable || due.wait <= returnSpread) continue;
      cancel();
      this.#waits.delete(due);
      this.#wait({ ...due, wait: random() * returnSpread });
    }
  }
}
