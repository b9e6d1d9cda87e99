// Virtual networks: each has its own routes, so the same addresses may mean different machines in each. One of them is
// the default, always.
import { randomUUID } from 'node:crypto';
import { ControlError, hasRoutesRemedy } from '../errors.ts';
import { releaseName, takeName, type NameOptions } from './names.ts';
import { defaultNetworkKey, firstNetworkId, networkKey, type NetworkRecord, prefixes } from './records.ts';
import { checkComment, checkName, isUuid } from './values.ts';
import type { Writer } from './writer.ts';

export interface VirtualNetwork {
  readonly id: string;
  readonly name: string;
  readonly comment: string;
  readonly is_default_network: boolean;
  readonly created_at: string;
}

export interface NetworkPatch {
  name?: string | undefined;
  comment?: string | undefined;
  /** Only `true` changes anything: a network stops being the default when another becomes it. */
  is_default_network?: boolean | undefined;
}

export interface NetworksOptions {
  date: () => Date;
  routes: { count: (networkId: string) => number; deleteAll: (networkId: string) => Promise<void> };
}

const makeOtherDefault = 'Make another one the default with `sallyport tunnel vnet update NAME --default`.';

const names: NameOptions = {
  prefix: prefixes.networkNames,
  keyOf: networkKey,
  taken: (name) => `virtual network with name already exists: ${name}`,
};

type DefaultNetwork = { readonly id: string };

export class Networks {
  readonly #writer: Writer;
  readonly #options: NetworksOptions;

  constructor(writer: Writer, options: NetworksOptions) {
    this.#writer = writer;
    this.#options = options;
  }

  /** Makes the network `default` in an empty store. */
  async start(): Promise<void> {
    if ((await this.#writer.read(defaultNetworkKey)) !== undefined) return;
    const record = { id: firstNetworkId, name: '', comment: '', created_at: this.#options.date().toISOString() };
    try {
      await takeName<NetworkRecord>(this.#writer, { ...names, record, name: 'default' });
    } catch (error) {
      // Another process that starts at the same time makes the same network.
      if (!(error instanceof ControlError) || error.code !== 'already_exists') throw error;
    }
    await this.#writer.change<DefaultNetwork>(defaultNetworkKey, (found) => found ?? { id: firstNetworkId });
  }

  /** Rejects with `already_exists`, `invalid_value`. */
  async create({ name, comment, is_default_network }: NetworkPatch & { name: string }): Promise<VirtualNetwork> {
    checkName('virtual network', name);
    const created_at = this.#options.date().toISOString();
    const record = { id: randomUUID(), name: '', comment: checkComment(comment), created_at };
    const { id } = await takeName<NetworkRecord>(this.#writer, { ...names, record, name });
    if (is_default_network === true) await this.#makeDefault(id);
    return this.get(id)!;
  }

  /** In order of names. */
  list(): VirtualNetwork[] {
    const records = [...this.#writer.replica.values(prefixes.networks)] as unknown as NetworkRecord[];
    return records
      .filter(({ name }) => name !== '')
      .map((record) => this.#toNetwork(record))
      .sort((one, other) => (one.name < other.name ? -1 : 1));
  }

  get(id: string): VirtualNetwork | undefined {
    const record = this.#writer.replica.get(networkKey(id)) as unknown as NetworkRecord | undefined;
    return record === undefined || record.name === '' ? undefined : this.#toNetwork(record);
  }

  find(idOrName: string): VirtualNetwork | undefined {
    return isUuid(idOrName) ? this.get(idOrName.toLowerCase()) : this.list().find(({ name }) => name === idOrName);
  }

  get defaultId(): string {
    return (this.#writer.replica.get(defaultNetworkKey) as DefaultNetwork | undefined)?.id ?? firstNetworkId;
  }

  async update(id: string, { name, comment, is_default_network }: NetworkPatch): Promise<VirtualNetwork> {
    const checked = comment === undefined ? undefined : checkComment(comment);
    const network = this.get(id);
    if (network === undefined) throw missing(id);
    if (name !== undefined && checkName('virtual network', name) !== network.name) {
      const record = this.#writer.replica.get(networkKey(id)) as unknown as NetworkRecord;
      await takeName(this.#writer, { ...names, record, name });
    }
    if (checked !== undefined) {
      await this.#writer.change<NetworkRecord>(networkKey(id), (found) => {
        if (found === undefined) throw missing(id);
        return { ...found, comment: checked };
      });
    }
    if (is_default_network === true) await this.#makeDefault(id);
    return this.get(id)!;
  }

  /** With `force` its routes go too; without it a network that has routes is refused (`in_use`). */
  async delete(id: string, { force = false }: { force?: boolean } = {}): Promise<VirtualNetwork> {
    const network = this.get(id);
    if (network === undefined) throw missing(id);
    if (network.is_default_network) {
      throw new ControlError(
        'in_use',
        `virtual network ${network.name} is the default; make another one the default first`,
        { remedy: makeOtherDefault },
      );
    }
    const count = this.#options.routes.count(id);
    if (count > 0 && !force) {
      throw new ControlError(
        'in_use',
        `virtual network ${network.name} has ${count} ${count === 1 ? 'route' : 'routes'}`,
        { remedy: hasRoutesRemedy },
      );
    }
    await this.#remove(id);
    await this.#options.routes.deleteAll(id);
    await releaseName(this.#writer, { ...names, id, name: network.name });
    return network;
  }

  /** Looks again after deleting, as `#makeDefault` does after writing: one of two that meet sees the other. */
  async #remove(id: string): Promise<void> {
    let removed: NetworkRecord | undefined;
    await this.#writer.change<NetworkRecord>(networkKey(id), (found) => {
      removed = found;
      return null;
    });
    if (removed === undefined) throw missing(id);
    const record = removed;
    if ((await this.#writer.read<DefaultNetwork>(defaultNetworkKey))?.id !== id) return;
    await this.#writer.change<NetworkRecord>(networkKey(id), (found) => found ?? record);
    throw new ControlError('in_use', `virtual network ${record.name} has just become the default`, {
      remedy: makeOtherDefault,
    });
  }

  async #makeDefault(id: string): Promise<void> {
    let before = firstNetworkId;
    await this.#writer.change<DefaultNetwork>(defaultNetworkKey, (found) => {
      before = found?.id ?? firstNetworkId;
      return { id };
    });
    if ((await this.#writer.read(networkKey(id))) !== undefined) return;
    await this.#writer.change<DefaultNetwork>(defaultNetworkKey, (found) =>
      found?.id === id ? { id: before } : undefined,
    );
    throw missing(id);
  }

  #toNetwork({ id, name, comment, created_at }: NetworkRecord): VirtualNetwork {
    return { id, name, comment, is_default_network: id === this.defaultId, created_at };
  }
}

function missing(id: string): ControlError {
  return new ControlError('not_found', `virtual network ${id}`);
}
