// What requests and connections by bindings to private services came to, by service.
import { Histogram } from '@sallyport/hyperdrive';
import type { GatewayEvent } from '../gateway/events.ts';
import type { Bytes, Traffic } from '../gateway/traffic.ts';
import { toResult } from './proxy-error.ts';

/** Of one service, since the edge started. */
export interface ServiceUse {
  /** How often, by kind and then by `ok`, `aborted` or the ProxyError code. */
  readonly results: Map<GatewayEvent['kind'], Map<string, number>>;
  /** Until the answer's head was there, or the connection was up; failures too. */
  readonly seconds: Histogram;
  /** From Workers, and to them. */
  readonly bytes: Bytes;
}

export class ServiceMetrics {
  readonly #uses = new Map<string, ServiceUse>();
  /** Of outlets that are open, by service. */
  readonly #traffic = new Map<string, Set<Traffic>>();

  /** Of a service by its id; undefined before it was used. */
  get(id: string): ServiceUse | undefined {
    const use = this.#uses.get(id);
    if (use === undefined) return undefined;
    const bytes = { ...use.bytes };
    for (const traffic of this.#traffic.get(id) ?? []) addTo(bytes, traffic);
    return { ...use, bytes };
  }

  /** Counts the bytes of an outlet until what is returned is called, when it is closed. */
  watch(id: string, traffic: Traffic): () => void {
    const watched = this.#traffic.get(id) ?? new Set();
    this.#traffic.set(id, watched.add(traffic));
    return () => {
      if (!watched.delete(traffic)) return;
      if (watched.size === 0) this.#traffic.delete(id);
      const use = this.#uses.get(id);
      if (use !== undefined) addTo(use.bytes, traffic);
    };
  }

  count(id: string, { kind, code, took }: GatewayEvent): void {
    const use = this.#uses.get(id) ?? { results: new Map(), seconds: new Histogram(), bytes: { in: 0, out: 0 } };
    this.#uses.set(id, use);
    const results = use.results.get(kind) ?? new Map<string, number>();
    use.results.set(kind, results);
    // Nobody was told a ProxyError then.
    const result = code === undefined ? 'ok' : code === 'aborted' ? code : toResult(code);
    results.set(result, (results.get(result) ?? 0) + 1);
    use.seconds.observe(took);
  }

  /** Forgets a service that was deleted. */
  forget(id: string): void {
    this.#uses.delete(id);
  }
}

function addTo(sum: Bytes, traffic: Traffic): void {
  const bytes = traffic.read();
  sum.in += bytes.in;
  sum.out += bytes.out;
}
