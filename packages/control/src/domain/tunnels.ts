// Tunnels: an identity with a secret that connectors serve.
import { randomBytes, randomUUID } from 'node:crypto';
import { ControlError, hasRoutesRemedy } from '../errors.ts';
import type { KeyRing } from '../key-ring.ts';
import { releaseName, takeName, type NameOptions } from './names.ts';
import { prefixes, tunnelKey, type TunnelRecord } from './records.ts';
import { checkName, checkSecret, isUuid } from './values.ts';
import type { Writer } from './writer.ts';

/** Deleted tunnels that are remembered for lists. */
export const maxDeletedTunnels = 100;

/** What may be shown of a tunnel: everything but its secret. Times are ISO 8601. */
export interface Tunnel {
  readonly id: string;
  readonly name: string;
  readonly created_at: string;
  readonly deleted_at: string | null;
}

export interface TunnelFilter {
  id?: string | undefined;
  name?: string | undefined;
  namePrefix?: string | undefined;
  excludePrefix?: string | undefined;
  /** Deleted tunnels only, or all but those; both when left out. */
  deleted?: boolean | undefined;
  /** Tunnels that existed then. */
  existedAt?: Date | undefined;
}

export interface TunnelsOptions {
  keys: KeyRing;
  date: () => Date;
  /** How many routes of each kind lead to a tunnel. */
  routes: { count: (tunnelId: string) => number; deleteAll: (tunnelId: string) => Promise<void> };
}

const names: NameOptions = {
  prefix: prefixes.tunnelNames,
  keyOf: tunnelKey,
  taken: (name) => `tunnel with name already exists: ${name}`,
};

export class Tunnels {
  readonly #writer: Writer;
  readonly #options: TunnelsOptions;

  constructor(writer: Writer, options: TunnelsOptions) {
    this.#writer = writer;
    this.#options = options;
  }

  /** A tunnel with a random secret, or the one given. Rejects with `already_exists`, `invalid_value`. */
  async create({ name, secret = randomBytes(32) }: { name: string; secret?: Uint8Array }): Promise<Tunnel> {
    checkName('tunnel', name);
    const id = randomUUID();
    const record: TunnelRecord = {
      id,
      name: '',
      created_at: this.#options.date().toISOString(),
      deleted_at: null,
      secret: this.#seal(id, checkSecret(secret)),
    };
    return toTunnel(await takeName(this.#writer, { ...names, record, name }));
  }

  /** In order of names. */
  list(filter: TunnelFilter = {}): Tunnel[] {
    return [...this.#records()]
      .filter((record) => isListed(record, filter))
      .map(toTunnel)
      .sort((one, other) => compare(one.name, other.name) || compare(one.created_at, other.created_at));
  }

  /** Also a deleted tunnel, while it is remembered. */
  get(id: string): Tunnel | undefined {
    const record = this.#record(id);
    return record && toTunnel(record);
  }

  /** By id or by name, among those that are not deleted. */
  find(idOrName: string): Tunnel | undefined {
    const [found] = this.list(isUuid(idOrName) ? { id: idOrName, deleted: false } : { name: idOrName, deleted: false });
    return found;
  }

  /** Renames, or replaces the secret, which ends the links that used the old one. */
  async update(id: string, patch: { name?: string | undefined; secret?: Uint8Array | undefined }): Promise<Tunnel> {
    let record = this.#live(id);
    if (patch.name !== undefined && checkName('tunnel', patch.name) !== record.name) {
      record = await takeName(this.#writer, { ...names, record, name: patch.name });
    }
    const { secret } = patch;
    if (secret === undefined) return toTunnel(record);
    const sealed = this.#seal(id, checkSecret(secret));
    const written = await this.#writer.change<TunnelRecord>(tunnelKey(id), (found) => {
      if (found === undefined || found.deleted_at !== null) throw missing(id);
      return { ...found, secret: sealed };
    });
    return toTunnel(written!);
  }

  /**
   * Forgets the secret, and with `cascade` the routes; without it a tunnel that has routes is refused (`in_use`).
   * The tunnel stays in lists of deleted ones.
   */
  async delete(id: string, { cascade = false }: { cascade?: boolean } = {}): Promise<Tunnel> {
    const { name } = this.#live(id);
    const count = this.#options.routes.count(id);
    if (count > 0 && !cascade) {
      throw new ControlError('in_use', `tunnel ${name} has ${count} ${count === 1 ? 'route' : 'routes'}`, {
        remedy: hasRoutesRemedy,
      });
    }
    const deleted_at = this.#options.date().toISOString();
    const written = await this.#writer.change<TunnelRecord>(tunnelKey(id), (found) => {
      if (found === undefined || found.deleted_at !== null) throw missing(id);
      const { pending_name: _, ...rest } = found;
      return { ...rest, deleted_at, secret: null };
    });
    await this.#options.routes.deleteAll(id);
    await releaseName(this.#writer, { ...names, id, name: written!.name });
    await this.#trim();
    return toTunnel(written!);
  }

  /**
   * The secret of a tunnel that is not deleted. Answers from memory, so it may be asked for every registration.
   * Rejects with `secret_unreadable`.
   */
  async secretOf(id: string): Promise<Uint8Array | undefined> {
    const record = this.#record(id);
    if (record === undefined || record.secret === null) return undefined;
    return Buffer.from(this.#options.keys.open(record.secret, secretContext(id)), 'base64');
  }

  #seal(id: string, secret: Uint8Array): TunnelRecord['secret'] {
    return this.#options.keys.seal(Buffer.from(secret).toString('base64'), secretContext(id));
  }

  *#records(): Generator<TunnelRecord> {
    for (const value of this.#writer.replica.values(prefixes.tunnels)) {
      const record = value as unknown as TunnelRecord;
      if (record.name !== '') yield record;
    }
  }

  #record(id: string): TunnelRecord | undefined {
    const record = this.#writer.replica.get(tunnelKey(id)) as unknown as TunnelRecord | undefined;
    return record === undefined || record.name === '' ? undefined : record;
  }

  #live(id: string): TunnelRecord {
    const record = this.#record(id);
    if (record === undefined || record.deleted_at !== null) throw missing(id);
    return record;
  }

  async #trim(): Promise<void> {
    const deleted = this.list({ deleted: true }).sort((one, other) => compare(one.deleted_at!, other.deleted_at!));
    for (const { id } of deleted.slice(0, -maxDeletedTunnels)) {
      await this.#writer.change<TunnelRecord>(tunnelKey(id), (found) => (found?.deleted_at == null ? undefined : null));
    }
  }
}

const secretContext = (id: string): { documentKey: string; field: string } => ({
  documentKey: tunnelKey(id),
  field: 'secret',
});

function missing(id: string): ControlError {
  return new ControlError('not_found', `tunnel ${id}`);
}

function toTunnel({ id, name, created_at, deleted_at }: TunnelRecord): Tunnel {
  return { id, name, created_at, deleted_at };
}

function isListed({ id, name, created_at, deleted_at }: TunnelRecord, filter: TunnelFilter): boolean {
  const { namePrefix = '', excludePrefix, existedAt } = filter;
  const then = existedAt?.toISOString();
  return (
    (filter.id === undefined || filter.id.toLowerCase() === id) &&
    (filter.name === undefined || filter.name === name) &&
    name.startsWith(namePrefix) &&
    (excludePrefix === undefined || !name.startsWith(excludePrefix)) &&
    (filter.deleted === undefined || filter.deleted === (deleted_at !== null)) &&
    (then === undefined || (created_at <= then && (deleted_at === null || deleted_at > then)))
  );
}

function compare(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}
