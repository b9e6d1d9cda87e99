// Hyperdrive configurations: where a database is, how it is logged in to, and how its answers are kept.
import { randomBytes } from 'node:crypto';
import { ControlError } from '../errors.ts';
import type { KeyRing, Sealed } from '../key-ring.ts';
import type { Certificates } from './certificates.ts';
import {
  checkPassword,
  type HyperdriveConfig,
  type HyperdriveOrigin,
  type HyperdriveSettings,
  type ResolvedHyperdriveConfig,
  toCaching,
  toConnectionLimit,
  toMtls,
  toOrigin,
} from './hyperdrive-config.ts';
import { releaseName, takeName, type NameOptions } from './names.ts';
import { hyperdriveKey, type NamedRecord, prefixes } from './records.ts';
import { addressesOf, type Service } from './service-settings.ts';
import type { Services } from './services.ts';
import { resolveTls } from './tls-material.ts';
import { checkName } from './values.ts';
import type { Writer } from './writer.ts';

interface HyperdriveRecord extends NamedRecord, Omit<HyperdriveConfig, 'name' | 'id' | 'created_on' | 'origin'> {
  /** The password is sealed for this document, field `password`. */
  readonly origin: HyperdriveOrigin & { readonly password: Sealed };
}

/** Told of a configuration before it is stored; refuses it by throwing. */
export type CheckConfig = (config: ResolvedHyperdriveConfig) => Promise<void>;

export interface HyperdriveOptions {
  keys: KeyRing;
  date: () => Date;
  certificates: () => Certificates;
  services: () => Services;
}

const names: NameOptions = {
  prefix: prefixes.hyperdriveNames,
  keyOf: hyperdriveKey,
  taken: (name) => `Hyperdrive configuration with name already exists: ${name}`,
};

const noCheck: CheckConfig = () => Promise.resolve();

export class Hyperdrive {
  readonly #writer: Writer;
  readonly #options: HyperdriveOptions;

  constructor(writer: Writer, options: HyperdriveOptions) {
    this.#writer = writer;
    this.#options = options;
  }

  /** Rejects with `already_exists`, `invalid_value`, `not_found` (a certificate), or what `check` throws. */
  async create(
    { name, ...settings }: HyperdriveSettings & { name: string },
    check: CheckConfig = noCheck,
  ): Promise<HyperdriveConfig> {
    checkName('Hyperdrive configuration', name);
    if (this.find(name) !== undefined) throw new ControlError('already_exists', names.taken(name));
    const id = randomBytes(16).toString('hex');
    const now = this.#options.date().toISOString();
    const record = this.#toRecord(settings, { id, name: '', created_at: now, modified_on: now });
    await check(this.#resolve({ ...record, name }));
    return toConfig(await takeName(this.#writer, { ...names, record, name }));
  }

  /** In order of names. */
  list(): HyperdriveConfig[] {
    return [...this.#records()].map(toConfig).sort((one, other) => (one.name < other.name ? -1 : 1));
  }

  get(id: string): HyperdriveConfig | undefined {
    const record = this.#record(id);
    return record && toConfig(record);
  }

  /** By id or by name. */
  find(idOrName: string): HyperdriveConfig | undefined {
    return this.get(idOrName) ?? this.list().find(({ name }) => name === idOrName);
  }

  /** Changes what is named. `check` is asked when the way to the database changes. */
  async update(
    id: string,
    { name, ...settings }: HyperdriveSettings & { name?: string | undefined },
    check: CheckConfig = noCheck,
  ): Promise<HyperdriveConfig> {
    return this.#change(this.#existing(id), { name, settings, known: this.#existing(id) }, check);
  }

  /** Replaces all of it; the password has to be given again. */
  async replace(
    id: string,
    { name, ...settings }: HyperdriveSettings & { name: string },
    check: CheckConfig = noCheck,
  ): Promise<HyperdriveConfig> {
    return this.#change(this.#existing(id), { name, settings, known: undefined }, check);
  }

  /** Rejects with `not_found`. */
  async delete(id: string): Promise<void> {
    const { name } = this.#existing(id);
    await this.#writer.change<HyperdriveRecord>(hyperdriveKey(id), () => null);
    await releaseName(this.#writer, { ...names, id, name });
  }

  /** Everything that is needed to connect, from memory. @throws ControlError `secret_unreadable`, `not_found` */
  resolve(id: string): ResolvedHyperdriveConfig | undefined {
    const record = this.#record(id);
    return record && this.#resolve(record);
  }

  /** Names of the configurations that use a certificate. */
  usersOf(certificateId: string): string[] {
    return this.list().flatMap(({ name, mtls }) =>
      mtls.ca_certificate_id === certificateId || mtls.mtls_certificate_id === certificateId ? [name] : [],
    );
  }

  async #change(
    before: HyperdriveRecord,
    {
      name,
      settings,
      known,
    }: { name: string | undefined; settings: HyperdriveSettings; known: HyperdriveRecord | undefined },
    check: CheckConfig,
  ): Promise<HyperdriveConfig> {
    const { id } = before;
    if (name !== undefined && checkName('Hyperdrive configuration', name) !== before.name) {
      if (this.find(name) !== undefined) throw new ControlError('already_exists', names.taken(name));
    }
    const modified_on = this.#options.date().toISOString();
    const record = this.#toRecord(settings, { ...before, modified_on }, known);
    const resolved = this.#resolve({ ...record, name: name ?? before.name });
    if (leadsElsewhere(before, record)) await check(resolved);
    let written = await this.#writer.change<HyperdriveRecord>(hyperdriveKey(id), (found) => {
      if (found === undefined) throw missing(id);
      // What was checked is what is stored.
      if (JSON.stringify(found) === JSON.stringify(before)) return record;
      throw new ControlError('revision_conflict', `Hyperdrive configuration ${before.name}`);
    });
    if (name !== undefined && name !== before.name) {
      written = await takeName(this.#writer, { ...names, record: written!, name });
    }
    return toConfig(written!);
  }

  /** @throws ControlError `invalid_value`, `not_found` */
  #toRecord(
    settings: HyperdriveSettings,
    base: NamedRecord & { readonly modified_on: string },
    known?: HyperdriveRecord,
  ): HyperdriveRecord {
    const { id, name, created_at, modified_on } = base;
    const { origin = {}, caching, mtls } = settings;
    const limit = toConnectionLimit(settings.origin_connection_limit, known?.origin_connection_limit);
    const kept = origin.password === undefined ? known?.origin.password : undefined;
    const record: HyperdriveRecord = {
      id,
      name,
      origin: {
        ...toOrigin(origin, known?.origin),
        password: kept ?? this.#options.keys.seal(checkPassword(origin.password), contextOf(id)),
      },
      caching: toCaching(caching, known?.caching),
      mtls: toMtls(mtls, known?.mtls),
      ...(limit === undefined ? {} : { origin_connection_limit: limit }),
      created_at,
      modified_on,
    };
    return record;
  }

  /** @throws ControlError `not_found`, `invalid_value` */
  #serviceOf({ origin: { service_id: id } }: HyperdriveRecord): Service | undefined {
    if (id === undefined) return undefined;
    const service = this.#options.services().get(id);
    if (service === undefined) throw new ControlError('not_found', `VPC service ${id}`);
    if (service.type === 'tcp') return service;
    throw new ControlError('invalid_value', `VPC service ${service.name} is of type http: a database is of type tcp`);
  }

  /** Names of the configurations whose origin is a service. */
  usersOfService(id: string): string[] {
    return this.list().flatMap(({ name, origin }) => (origin.service_id === id ? [name] : []));
  }

  #resolve(record: HyperdriveRecord): ResolvedHyperdriveConfig {
    const service = this.#serviceOf(record);
    const { host = '', port = 0 } = record.origin;
    const place = service === undefined ? { host, port } : toServicePlace(service);
    const password = this.#options.keys.open(record.origin.password, contextOf(record.id));
    return {
      ...toConfig(record),
      origin: { ...record.origin, ...place, password },
      ...(service === undefined ? {} : { service }),
      tls: resolveTls(record.mtls, this.#options.certificates()),
    };
  }

  *#records(): Generator<HyperdriveRecord> {
    for (const value of this.#writer.replica.values(prefixes.hyperdrive)) {
      const record = value as unknown as HyperdriveRecord;
      if (record.name !== '') yield record;
    }
  }

  #record(id: string): HyperdriveRecord | undefined {
    const record = this.#writer.replica.get(hyperdriveKey(id)) as unknown as HyperdriveRecord | undefined;
    return record === undefined || record.name === '' ? undefined : record;
  }

  #existing(id: string): HyperdriveRecord {
    const record = this.#record(id);
    if (record === undefined) throw missing(id);
    return record;
  }
}

/** Whether another database, or the same one in another way, would be connected to. */
function leadsElsewhere(one: HyperdriveRecord, other: HyperdriveRecord): boolean {
  return JSON.stringify([one.origin, one.mtls]) !== JSON.stringify([other.origin, other.mtls]);
}

/** Where it is, in the terms of a host and a port. */
function toServicePlace({ host, tcp_port = 0 }: Service): { host: string; port: number } {
  return { host: 'hostname' in host ? host.hostname : addressesOf(host)[0]!, port: tcp_port };
}

function contextOf(id: string): { documentKey: string; field: string } {
  return { documentKey: hyperdriveKey(id), field: 'password' };
}

function missing(id: string): ControlError {
  return new ControlError('not_found', `Hyperdrive configuration ${id}`);
}

function toConfig(record: HyperdriveRecord): HyperdriveConfig {
  const { id, name, caching, mtls, origin_connection_limit, created_at, modified_on } = record;
  const { password: _, ...origin } = record.origin;
  return {
    id,
    name,
    origin,
    caching,
    mtls,
    ...(origin_connection_limit === undefined ? {} : { origin_connection_limit }),
    created_on: created_at,
    modified_on,
  };
}
