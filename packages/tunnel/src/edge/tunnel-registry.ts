// Which links serve which tunnel, and the choice among them.
import type { Duplex } from 'node:stream';
import { TunnelError } from '../link/tunnel-error.ts';
import type { EdgeLink, LinkTarget } from './edge-link.ts';

/** Links a connection may be tried on when one dies before it answered. */
export const maxAttempts = 3;
/** Links one tunnel may have; a further one is refused. */
export const maxLinksPerTunnel = 256;

const unanswered = new Set(['link_lost', 'link_draining', 'link_busy']);

export interface OpenedStream {
  stream: Duplex;
  /** The link that carries it. */
  link: EdgeLink;
}

export class TunnelRegistry {
  readonly #links = new Map<string, Set<EdgeLink>>();

  /** Adds a registered link; it removes itself when it closes. False when the tunnel has too many. */
  add(link: EdgeLink): boolean {
    const links = this.#links.get(link.tunnelId) ?? new Set();
    if (links.size >= maxLinksPerTunnel) return false;
    this.#links.set(link.tunnelId, links.add(link));
    void link.closed.then(() => {
      links.delete(link);
      if (links.size === 0 && this.#links.get(link.tunnelId) === links) this.#links.delete(link.tunnelId);
    });
    return true;
  }

  links(tunnelId: string): readonly EdgeLink[] {
    return [...(this.#links.get(tunnelId) ?? [])];
  }

  get all(): readonly EdgeLink[] {
    return [...this.#links.values()].flatMap((links) => [...links]);
  }

  /** The live link with the fewest connections. */
  choose(tunnelId: string, except: ReadonlySet<EdgeLink> = new Set()): EdgeLink | undefined {
    let best: EdgeLink | undefined;
    for (const link of this.#links.get(tunnelId) ?? []) {
      if (link.live && !except.has(link) && link.streams < (best?.streams ?? Infinity)) best = link;
    }
    return best;
  }

  /**
   * Opens a connection through a tunnel; a link that dies before it answered costs a try, not the connection.
   * @throws TunnelError
   */
  async open(tunnelId: string, target: LinkTarget, options: { signal?: AbortSignal } = {}): Promise<OpenedStream> {
    const tried = new Set<EdgeLink>();
    for (;;) {
      const link = this.choose(tunnelId, tried);
      if (link === undefined) throw new TunnelError('no_link', `tunnel ${tunnelId}`);
      tried.add(link);
      try {
        return { stream: await link.open(target, options), link };
      } catch (error) {
        const again = error instanceof TunnelError && unanswered.has(error.code) && tried.size < maxAttempts;
        if (!again) throw error;
      }
    }
  }

  /** Ends every link of a tunnel now: its secret is no longer good. */
  revoke(tunnelId: string): void {
    for (const link of this.links(tunnelId)) link.destroy();
  }
}
