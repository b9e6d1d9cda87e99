// Longest-prefix match: one table per prefix length that is in use, tried from the longest.
import { type Cidr, toAddress, toPrefix } from './values.ts';

export class AddressTree<Value> {
  /** By family and prefix length; lengths in descending order. */
  readonly #tables = { 4: new Map<number, Map<bigint, Value>>(), 6: new Map<number, Map<bigint, Value>>() };
  readonly #lengths: { 4: number[]; 6: number[] } = { 4: [], 6: [] };

  add({ family, base, length }: Cidr, value: Value): void {
    const table = this.#tables[family].get(length) ?? new Map<bigint, Value>();
    this.#tables[family].set(length, table.set(base, value));
    this.#sort(family);
  }

  remove({ family, base, length }: Cidr): void {
    const table = this.#tables[family].get(length);
    if (table?.delete(base) !== true || table.size > 0) return;
    this.#tables[family].delete(length);
    this.#sort(family);
  }

  /** The value with the longest prefix that `accepts` takes. */
  find(ip: string, accepts: (value: Value) => boolean): Value | undefined {
    const address = toAddress(ip);
    if (address === undefined) return undefined;
    for (const length of this.#lengths[address.family]) {
      const value = this.#tables[address.family].get(length)?.get(toPrefix(address, length));
      if (value !== undefined && accepts(value)) return value;
    }
    return undefined;
  }

  #sort(family: 4 | 6): void {
    this.#lengths[family] = [...this.#tables[family].keys()].sort((one, other) => other - one);
  }
}
