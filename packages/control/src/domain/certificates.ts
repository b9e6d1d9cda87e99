// The certificate store: authorities to trust, and client certificates with their keys, for TLS to origins.
import { randomUUID } from 'node:crypto';
import { ControlError } from '../errors.ts';
import type { KeyRing, Sealed } from '../key-ring.ts';
import { checkPrivateKey, type CertificateFacts, parseCertificates } from './pem.ts';
import { certificateKey, prefixes } from './records.ts';
import { checkComment } from './values.ts';
import type { Writer } from './writer.ts';

/** What may be shown: everything but the private key. */
export interface Certificate extends CertificateFacts {
  readonly id: string;
  /** Empty when it has none; need not be unique. */
  readonly name: string;
  /** An authority, or a client certificate. */
  readonly ca: boolean;
  readonly uploaded_on: string;
}

interface CertificateRecord extends Certificate {
  /** Sealed for this document, field `private_key`; null for an authority. */
  readonly private_key: Sealed | null;
}

export interface NewCertificate {
  name?: string | undefined;
  ca: boolean;
  /** PEM; a client certificate comes first, then what leads from it to an authority. */
  certificates: string;
  private_key?: string | undefined;
}

export interface CertificateUse {
  keys: KeyRing;
  date: () => Date;
  /** Names of what uses a certificate. */
  usersOf: (id: string) => readonly string[];
}

export class Certificates {
  readonly #writer: Writer;
  readonly #options: CertificateUse;
  readonly #users = new Set<(id: string) => readonly string[]>();

  constructor(writer: Writer, options: CertificateUse) {
    this.#writer = writer;
    this.#options = options;
  }

  /** Rejects with `invalid_value`, which never shows the key. */
  async upload({ name, ca, certificates, private_key }: NewCertificate): Promise<Certificate> {
    const id = randomUUID();
    const record = { id, name: checkComment(name), ca, ...this.#check(id, { ca, certificates, private_key }) };
    await this.#writer.change<CertificateRecord>(certificateKey(id), () => record);
    return toCertificate(record);
  }

  /** Puts another certificate in place of one, under its id and name, for everything that uses it. Rejects as `upload`. */
  async replace(id: string, { certificates, private_key }: Omit<NewCertificate, 'name' | 'ca'>): Promise<Certificate> {
    const written = await this.#writer.change<CertificateRecord>(certificateKey(id), (found) => {
      if (found === undefined) throw missing(id);
      const { name, ca } = found;
      return { id, name, ca, ...this.#check(id, { ca, certificates, private_key }) };
    });
    return toCertificate(written!);
  }

  /** Has also `users` asked who uses a certificate, before one is deleted; the function it returns ends that. */
  addUsers(users: (id: string) => readonly string[]): () => void {
    this.#users.add(users);
    return () => void this.#users.delete(users);
  }

  /** @throws ControlError `invalid_value` */
  #check(
    id: string,
    { ca, certificates, private_key }: Omit<NewCertificate, 'name'>,
  ): Omit<CertificateRecord, 'id' | 'name' | 'ca'> {
    const { facts, first } = parseCertificates(certificates);
    if (ca && private_key !== undefined) {
      throw new ControlError('invalid_value', 'the private key of an authority is not needed; leave it out');
    }
    const key = ca ? undefined : checkPrivateKey(private_key, first);
    const now = this.#options.date();
    if (first.validTo && new Date(first.validTo) <= now) {
      throw new ControlError('invalid_value', `the certificate has expired on ${facts.expires_on}`);
    }
    const sealed = key === undefined ? null : this.#options.keys.seal(key, contextOf(id));
    return { ...facts, uploaded_on: now.toISOString(), private_key: sealed };
  }

  /** The oldest first. */
  list(filter: { name?: string | undefined; ca?: boolean | undefined } = {}): Certificate[] {
    const records = [...this.#writer.replica.values(prefixes.certificates)] as unknown as CertificateRecord[];
    return records
      .filter(({ name, ca }) => (filter.name ?? name) === name && (filter.ca ?? ca) === ca)
      .map(toCertificate)
      .sort((one, other) => (one.uploaded_on < other.uploaded_on ? -1 : 1));
  }

  get(id: string): Certificate | undefined {
    const record = this.#record(id);
    return record && toCertificate(record);
  }

  /** The private key of a client certificate, in PEM. @throws ControlError `secret_unreadable` */
  keyOf(id: string): string | undefined {
    const sealed = this.#record(id)?.private_key ?? undefined;
    return sealed && this.#options.keys.open(sealed, contextOf(id));
  }

  /** Rejects with `not_found`, or with `in_use` while a configuration names it. */
  async delete(id: string): Promise<Certificate> {
    if (this.get(id) === undefined) throw missing(id);
    this.#refuseUsed(id);
    let deleted: CertificateRecord | undefined;
    const key = certificateKey(id);
    await this.#writer.change<CertificateRecord>(key, (found) => {
      deleted = found;
      return null;
    });
    if (deleted === undefined) throw missing(id);
    const record = deleted;
    try {
      // Somebody may have begun to use it just then.
      this.#refuseUsed(id);
    } catch (error) {
      await this.#writer.change<CertificateRecord>(key, (found) => found ?? record);
      throw error;
    }
    return toCertificate(record);
  }

  #refuseUsed(id: string): void {
    const users = [...this.#options.usersOf(id), ...[...this.#users].flatMap((usersOf) => usersOf(id))];
    if (users.length > 0) throw new ControlError('in_use', `certificate ${id} is used by ${users.join(', ')}`);
  }

  #record(id: string): CertificateRecord | undefined {
    return this.#writer.replica.get(certificateKey(id)) as unknown as CertificateRecord | undefined;
  }
}

function contextOf(id: string): { documentKey: string; field: string } {
  return { documentKey: certificateKey(id), field: 'private_key' };
}

function missing(id: string): ControlError {
  return new ControlError('not_found', `certificate ${id}`);
}

function toCertificate(record: CertificateRecord): Certificate {
  const { private_key: _, ...shown } = record;
  return shown;
}
