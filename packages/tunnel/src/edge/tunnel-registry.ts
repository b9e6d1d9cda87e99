// Which links serve which tunnel, and the choice among them.
import type { Duplex } from 'node:stream';
import { type Clock, systemClock } from '@sallyport/egress';
import { TunnelError } from '../link/tunnel-error.ts';
import type { EdgeLink } from './edge-link.ts';
import type { LinkIdentity, LinkTarget } from './link-identity.ts';
import { LinkWaiters } from './link-waiters.ts';
import { unlessAborted } from './open-stream.ts';

/** Links a connection may be tried on when one dies before it answered. */
export const maxAttempts = 4;
/** Links one tunnel may have; a further one is refused. */
export const maxLinksPerTunnel = 256;

const unanswered = new Set(['link_lost', 'link_draining', 'link_busy']);

export interface OpenedStream {
  stream: Duplex;
  /** The link that carries it. */
  link: EdgeLink;
}

/** Milliseconds for which a tunnel that lost its last link is waited for. */
export const returnTimeout = 3_000;

/** One tunnel that has links, or had some. */
interface Entry {
  readonly links: Set<EdgeLink>;
  /** Since when it has no link that can be used. */
  goneAt: number | undefined;
  /** Connections that wait for its next link. */
  waiters: LinkWaiters | undefined;
}

export interface TunnelRegistryOptions {
  clock?: Clock | undefined;
  /** Milliseconds since whenever. */
  now?: (() => number) | undefined;
}

export class TunnelRegistry {
  readonly #entries = new Map<string, Entry>();
  readonly #clock: Clock;
  readonly #now: () => number;
  #revocations = 0;

  constructor({ clock = systemClock, now = () => performance.now() }: TunnelRegistryOptions = {}) {
    this.#clock = clock;
    this.#now = now;
  }

  /** How often a tunnel was revoked. */
  get revocations(): number {
    return this.#revocations;
  }

  /** Why there may be no link with this identity; undefined when there may. */
  refuses({ tunnelId, connectorId, index }: LinkIdentity): 'too_many_links' | undefined {
    const { links = new Set<EdgeLink>() } = this.#entries.get(tunnelId) ?? {};
    if (links.size < maxLinksPerTunnel) return undefined;
    return [...links].some((link) => isPredecessor(link, { connectorId, index })) ? undefined : 'too_many_links';
  }

  /**
   * Adds a registered link; it removes itself when it closes. A link that the same connector had in its place is over:
   * the connector would not have dialled otherwise, even if the edge has not noticed yet.
   */
  add(link: EdgeLink): void {
    const entry = this.#entries.get(link.tunnelId) ?? { links: new Set(), goneAt: undefined, waiters: undefined };
    this.#entries.set(link.tunnelId, entry);
    for (const other of entry.links) {
      if (isPredecessor(other, link)) other.destroy(new TunnelError('link_lost', 'the connector has dialled again'));
    }
    entry.links.add(link);
    entry.goneAt = undefined;
    entry.waiters?.release();
    void link.closed.then(() => {
      entry.links.delete(link);
      if (entry.links.size === 0) entry.goneAt ??= this.#now();
    });
  }

  links(tunnelId: string): readonly EdgeLink[] {
    return [...(this.#entries.get(tunnelId)?.links ?? [])];
  }

  get all(): readonly EdgeLink[] {
    return [...this.#entries.values()].flatMap(({ links }) => [...links]);
  }

  /** The live link with the fewest connections; one that is not ready yet only when there is no other. */
  choose(tunnelId: string, except: ReadonlySet<EdgeLink> = new Set()): EdgeLink | undefined {
    let best: EdgeLink | undefined;
    for (const link of this.#entries.get(tunnelId)?.links ?? []) {
      if (!link.live || except.has(link)) continue;
      if (best === undefined || isBetter(link, best)) best = link;
    }
    return best;
  }

  /**
   * Opens a connection through a tunnel. A link that dies before it answered costs a try, not the connection; nothing
   * was sent on it then. When the last link went a moment ago, it waits a moment for the next.
   * @throws TunnelError
   */
  async open(tunnelId: string, target: LinkTarget, options: { signal?: AbortSignal } = {}): Promise<OpenedStream> {
    const tried = new Set<EdgeLink>();
    let last: TunnelError | undefined;
    for (;;) {
      if (this.choose(tunnelId) === undefined) await this.#return(tunnelId, options.signal);
      const link = this.choose(tunnelId, tried);
      if (link === undefined) throw last ?? new TunnelError('no_link', `tunnel ${tunnelId}`);
      tried.add(link);
      try {
        return { stream: await link.open(target, options), link };
      } catch (error) {
        const again = error instanceof TunnelError && unanswered.has(error.code) && tried.size < maxAttempts;
        if (!again) throw error;
        last = error;
        // The links of a connector die together.
        if (error.code !== 'link_busy') this.#setAside(link, tried);
      }
    }
  }

  /** Ends every link of a tunnel now: its secret is no longer good. */
  revoke(tunnelId: string): void {
    this.#revocations += 1;
    const entry = this.#entries.get(tunnelId);
    if (entry === undefined) return;
    const reason = new TunnelError('tunnel_revoked', `tunnel ${tunnelId}`);
    this.#entries.delete(tunnelId);
    entry.waiters?.release(reason);
    for (const link of entry.links) link.destroy(reason);
  }

  /** Passes over the other links of a connector, as long as another connector has one. */
  #setAside(dead: EdgeLink, tried: Set<EdgeLink>): void {
    const siblings = this.links(dead.tunnelId).filter((link) => link.connectorId === dead.connectorId);
    const others = this.links(dead.tunnelId).some((link) => link.live && !siblings.includes(link) && !tried.has(link));
    if (others) for (const link of siblings) tried.add(link);
  }

  /** Until a tunnel that had a link a moment ago has one again, or its moment is over. */
  async #return(tunnelId: string, signal: AbortSignal | undefined): Promise<void> {
    const entry = this.#entries.get(tunnelId);
    if (entry === undefined) return;
    entry.goneAt ??= this.#now();
    const left = entry.goneAt + returnTimeout - this.#now();
    if (left <= 0) return;
    entry.waiters ??= new LinkWaiters(this.#clock, { timeout: left, over: () => (entry.waiters = undefined) });
    await unlessAborted(entry.waiters.wait(), signal);
  }
}

function isPredecessor(link: EdgeLink, { connectorId, index }: Pick<LinkIdentity, 'connectorId' | 'index'>): boolean {
  return link.connectorId === connectorId && link.index === index && link.live && !link.draining;
}

function isBetter(link: EdgeLink, than: EdgeLink): boolean {
  return link.ready === than.ready ? link.streams < than.streams : link.ready;
}
