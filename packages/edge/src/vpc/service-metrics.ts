// What requests and connections by bindings to private services came to, by service.
import { Histogram } from '@sallyport/hyperdrive';
import type { GatewayEvent } from '../gateway/events.ts';
import { toResult } from './proxy-error.ts';

/** Of one service, since the edge started. */
export interface ServiceUse {
  /** How often, by kind and then by `ok` or the ProxyError code. */
  readonly results: Map<GatewayEvent['kind'], Map<string, number>>;
  /** Until the answer's head was there, or the connection was up; failures too. */
  readonly seconds: Histogram;
}

export class ServiceMetrics {
  readonly #uses = new Map<string, ServiceUse>();

  /** Of a service by its id; undefined before it was used. */
  get(id: string): ServiceUse | undefined {
    return this.#uses.get(id);
  }

  count(id: string, { kind, code, took }: GatewayEvent): void {
    const use = this.#uses.get(id) ?? { results: new Map(), seconds: new Histogram() };
    this.#uses.set(id, use);
    const results = use.results.get(kind) ?? new Map<string, number>();
    use.results.set(kind, results);
    const result = code === undefined ? 'ok' : toResult(code);
    results.set(result, (results.get(result) ?? 0) + 1);
    use.seconds.observe(took);
  }

  /** Forgets a service that was deleted. */
  forget(id: string): void {
    this.#uses.delete(id);
  }
}
