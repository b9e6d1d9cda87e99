// Services of private networks that Workers are bound to, one host and its ports each.
import { randomUUID } from 'node:crypto';
import { ControlError } from '../errors.ts';
import type { Certificates } from './certificates.ts';
import { releaseName, takeName, type NameOptions } from './names.ts';
import { type NamedRecord, prefixes, serviceKey } from './records.ts';
import {
  type CheckedService,
  maxServices,
  type ResolvedService,
  type Service,
  type ServiceSettings,
  toService,
  tunnelOf,
} from './service-settings.ts';
import { resolveTls } from './tls-material.ts';
import type { Tunnels } from './tunnels.ts';
import { checkName } from './values.ts';
import type { Writer } from './writer.ts';

export interface ServiceRecord extends NamedRecord, CheckedService {
  readonly updated_at: string;
}

export interface ServicesOptions {
  date: () => Date;
  certificates: () => Certificates;
  tunnels: () => Tunnels;
  /** Names of the Hyperdrive configurations whose origin a service is. */
  databasesOf: (id: string) => readonly string[];
}

const names: NameOptions = {
  prefix: prefixes.serviceNames,
  keyOf: serviceKey,
  taken: (name) => `VPC service with name already exists: ${name}`,
};

export class Services {
  readonly #writer: Writer;
  readonly #options: ServicesOptions;

  constructor(writer: Writer, options: ServicesOptions) {
    this.#writer = writer;
    this.#options = options;
  }

  /** Rejects with `already_exists`, `invalid_value`, `not_found` (a tunnel or certificate). */
  async create({ name, ...settings }: ServiceSettings & { name: string }): Promise<Service> {
    checkName('VPC service', name);
    if (this.find(name) !== undefined) throw new ControlError('already_exists', names.taken(name));
    if (this.list().length >= maxServices) {
      throw new ControlError('invalid_value', `there are at most ${maxServices} VPC services`);
    }
    const checked = this.#check(settings);
    const now = this.#options.date().toISOString();
    const record: ServiceRecord = { id: randomUUID(), name: '', ...checked, created_at: now, updated_at: now };
    return toShown(await takeName(this.#writer, { ...names, record, name }));
  }

  /** In order of names. */
  list(): Service[] {
    return [...this.#records()].map(toShown).sort((one, other) => (one.name < other.name ? -1 : 1));
  }

  get(id: string): Service | undefined {
    const record = this.#record(id);
    return record && toShown(record);
  }

  /** By id or by name. */
  find(idOrName: string): Service | undefined {
    return this.get(idOrName) ?? this.list().find(({ name }) => name === idOrName);
  }

  /**
   * Replaces all of it but the id. Rejects as `create` does, and with `revision_conflict` when somebody else changes it at
   * the same time.
   */
  async replace(id: string, { name, ...settings }: ServiceSettings & { name: string }): Promise<Service> {
    const before = this.#existing(id);
    const renames = checkName('VPC service', name) !== before.name;
    if (renames && this.find(name) !== undefined) throw new ControlError('already_exists', names.taken(name));
    const checked = this.#check(settings);
    if (checked.type !== 'tcp') this.#refuseUsed(before);
    const updated_at = this.#options.date().toISOString();
    let written = await this.#writer.change<ServiceRecord>(serviceKey(id), (found) => {
      checkSame(before, found);
      const own = { id, name: before.name, created_at: before.created_at, updated_at };
      // A name that is being taken meanwhile would be no part of this.
      return { ...own, ...checked, ...(renames ? { pending_name: name } : {}) };
    });
    if (renames) written = await takeName(this.#writer, { ...names, record: written!, name });
    return toShown(written!);
  }

  /** Rejects with `not_found`, with `in_use` while a Hyperdrive configuration names it, or as `replace` does. */
  async delete(id: string): Promise<Service> {
    const record = this.#existing(id);
    this.#refuseUsed(record);
    await this.#writer.change<ServiceRecord>(serviceKey(id), (found) => {
      checkSame(record, found);
      return null;
    });
    for (const name of [record.name, record.pending_name]) {
      if (name !== undefined) await releaseName(this.#writer, { ...names, id, name });
    }
    return toShown(record);
  }

  /** Everything that is needed to connect, from memory. @throws ControlError `secret_unreadable`, `not_found` */
  resolve(id: string): ResolvedService | undefined {
    const record = this.#record(id);
    if (record === undefined) return undefined;
    return { ...toShown(record), tls: resolveTls(record.tls_settings ?? {}, this.#options.certificates()) };
  }

  /** Names of the services that use a certificate. */
  usersOf(certificateId: string): string[] {
    return this.list().flatMap(({ name, tls_settings: tls }) =>
      tls?.ca_certificate_id === certificateId || tls?.mtls_certificate_id === certificateId ? [name] : [],
    );
  }

  /** @throws ControlError `invalid_value`, `not_found` */
  #check(settings: ServiceSettings): CheckedService {
    const checked = toService(settings);
    const tunnelId = tunnelOf(checked.host);
    if (tunnelId !== undefined && this.#options.tunnels().get(tunnelId)?.deleted_at !== null) {
      throw new ControlError('not_found', `tunnel ${tunnelId}`);
    }
    resolveTls(checked.tls_settings ?? {}, this.#options.certificates());
    return checked;
  }

  #refuseUsed({ id, name }: ServiceRecord): void {
    const users = this.#options.databasesOf(id);
    if (users.length === 0) return;
    throw new ControlError('in_use', `VPC service ${name} is the origin of the Hyperdrive ${users.join(', ')}`);
  }

  *#records(): Generator<ServiceRecord> {
    for (const value of this.#writer.replica.values(prefixes.services)) {
      const record = value as unknown as ServiceRecord;
      if (record.name !== '') yield record;
    }
  }

  #record(id: string): ServiceRecord | undefined {
    const record = this.#writer.replica.get(serviceKey(id)) as unknown as ServiceRecord | undefined;
    return record === undefined || record.name === '' ? undefined : record;
  }

  #existing(id: string): ServiceRecord {
    const record = this.#record(id);
    if (record === undefined) throw missing(id);
    return record;
  }
}

/** What was looked at is what is changed. @throws ControlError `not_found`, `revision_conflict` */
function checkSame(before: ServiceRecord, found: ServiceRecord | undefined): void {
  if (found === undefined) throw missing(before.id);
  if (JSON.stringify(found) === JSON.stringify(before)) return;
  throw new ControlError('revision_conflict', `VPC service ${before.name}`);
}

function missing(id: string): ControlError {
  return new ControlError('not_found', `VPC service ${id}`);
}

function toShown(record: ServiceRecord): Service {
  const { id, pending_name: _, ...shown } = record;
  return { service_id: id, ...shown };
}
