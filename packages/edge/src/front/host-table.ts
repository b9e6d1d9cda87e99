// Which Worker answers for which host name.
import type { Upstream } from './upstream.ts';

export class HostTable {
  readonly #exact = new Map<string, Upstream>();
  /** By suffix with its dot; the longest comes first. */
  #wildcards: [suffix: string, upstream: Upstream][] = [];
  #fallback: Upstream | undefined;

  /** Names in lower case, `*.name` for all below one. Without any the upstream answers for what nobody else does. */
  add(names: readonly string[], upstream: Upstream): void {
    if (names.length === 0) this.#fallback ??= upstream;
    for (const name of names) {
      if (name === '*') this.#fallback ??= upstream;
      else if (name.startsWith('*.')) this.#wildcards.push([name.slice(1), upstream]);
      else this.#exact.set(name, upstream);
    }
    this.#wildcards.sort(([one], [other]) => other.length - one.length);
  }

  exact(host: string): Upstream | undefined {
    return this.#exact.get(host);
  }

  /** By wildcard, or the one that answers for everything else. */
  other(host: string): Upstream | undefined {
    return this.#wildcards.find(([suffix]) => host.endsWith(suffix))?.[1] ?? this.#fallback;
  }
}
