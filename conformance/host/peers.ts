// The servers of one run of one case, and a log of what each saw on the wire.
import { type Peer, type PeerEventName, startPeer, startRefusing, startStartTlsPeer } from '@sallyport/testkit';
import type { PeerSpec } from '../case.ts';
import type { PeerAddress } from '../guest/context.ts';
import type { BlackHole } from './black-hole.ts';
import type { Certificates } from './certificates.ts';

/** Logged in order; `data` is not, because how bytes are cut into events is chance. */
const logged = ['connection', 'fin', 'reset', 'close', 'secure', 'tls-error', 'line', 'report'] as const;

export interface Shared {
  certificates: Certificates;
  blackHole: BlackHole;
  ownListener: PeerAddress;
}

class Watched {
  readonly events: string[] = [];
  readonly #peer: Peer;
  #waiting: (() => void)[] = [];

  constructor(peer: Peer) {
    this.#peer = peer;
    for (const name of logged) void this.#follow(name);
  }

  get received(): string {
    return this.#peer.received.toString('latin1');
  }

  get bytes(): number {
    return this.#peer.bytesReceived;
  }

  /** An event name, or `bytes:N`. */
  async wait(event: string, milliseconds: number): Promise<'seen' | 'not seen'> {
    const deadline = performance.now() + milliseconds;
    const timer = setTimeout(() => this.#wake(), milliseconds + 1);
    const wanted = event.startsWith('bytes:') ? Number(event.slice(6)) : undefined;
    if (wanted !== undefined) {
      this.#peer.receives(wanted).then(
        () => this.#wake(),
        () => {},
      );
    }
    const seen = (): boolean => (wanted === undefined ? this.events.includes(event) : this.bytes >= wanted);
    while (!seen() && performance.now() < deadline) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    clearTimeout(timer);
    return seen() ? 'seen' : 'not seen';
  }

  async #follow(name: PeerEventName): Promise<void> {
    try {
      for (;;) {
        await this.#peer.next(name);
        this.events.push(name);
        this.#wake();
      }
    } catch {
      // The peer was closed.
    }
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

/** The peers of one run. */
export class PeerSet implements AsyncDisposable {
  readonly addresses: Record<string, PeerAddress> = {};
  readonly #watched = new Map<string, Watched>();
  readonly #closers: (() => Promise<unknown>)[] = [];

  async start(specs: Record<string, PeerSpec>, shared: Shared): Promise<this> {
    await Promise.all(Object.entries(specs).map(([name, spec]) => this.#start(name, spec, shared)));
    return this;
  }

  get(name: string): Watched {
    const watched = this.#watched.get(name);
    if (watched === undefined) throw new Error(`no peer ${name} to watch`);
    return watched;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#closers.map((close) => close()));
  }

  async #start(name: string, spec: PeerSpec, { certificates, blackHole, ownListener }: Shared): Promise<void> {
    const { kind, host = '127.0.0.1', tls: tlsSpec, variant, ...options } = spec;
    if (kind === 'black-hole' || kind === 'own-listener') {
      this.addresses[name] = kind === 'black-hole' ? blackHole.address : ownListener;
      return;
    }
    const tls = tlsSpec === undefined ? undefined : await certificates.toPeerTls(tlsSpec);
    if (kind === 'refuse') {
      const refused = await startRefusing(host);
      this.#closers.push(() => refused.close());
      this.addresses[name] = { host: refused.host, port: refused.port, address: refused.address };
      return;
    }
    const peer =
      kind === 'starttls'
        ? await startStartTlsPeer(tls!, { host, ...(variant === undefined ? {} : { variant }) })
        : await startPeer(kind, { host, ...options, ...(tls === undefined ? {} : { tls }) });
    this.#closers.push(() => peer.close());
    this.#watched.set(name, new Watched(peer));
    this.addresses[name] = { host: peer.host, port: peer.port, address: peer.address };
  }
}
