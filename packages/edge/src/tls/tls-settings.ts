// The one place that says how TLS to a destination is done: which authorities are trusted and which client certificate is
// shown. Sockets, fetch(), private services and databases all ask here.
//
// The entry with the most exact pattern decides, alone: entries are never put together, so what one says can be read in
// it. What is compared is the destination as it was asked for, never what its name resolves to.
import * as tls from 'node:tls';
import { type Control } from '@sallyport/control';
import { compareExactness } from '@sallyport/egress';
import type { TrustEntry } from '../config/trust.ts';
import { describeCertificates, firstToEnd } from './certificate-text.ts';
import { ExpiryWatch } from './expiry-watch.ts';
import { bareAbout, entryWays, type FindTls, type HostTls, systemAuthorities, toHostTls } from './host-tls.ts';
import { type Authorities, type Identity, watchAuthorities } from './pem-files.ts';
import { type Material, openMaterial, type OpenMaterial } from './trust-material.ts';
import type { OnTlsEvent } from './tls-event.ts';
import type { MaterialEvents } from './watched-material.ts';

interface OpenEntry extends OpenMaterial {
  entry: TrustEntry;
  known?: { ca: Authorities | undefined; identity: Identity | undefined; extra: readonly Authorities[]; made: HostTls };
}

/** A PEM file, or its text. */
export type ExtraAuthority = { file: string } | { pem: string };

export interface TlsSettingsOptions {
  entries: readonly TrustEntry[];
  /** Authorities that count as the system's. */
  extraAuthorities?: readonly ExtraAuthority[] | undefined;
  /** Where certificates that are named by id are, once it is there. */
  control: () => Control | undefined;
  onEvent: OnTlsEvent;
  /** Milliseconds since 1970. */
  now?: () => number;
}

/** A certificate that connections may use, for who watches over them. */
export interface UsedCertificate {
  /** Where it is from: a file, or `certificate ID`. */
  source: string;
  kind: 'authority' | 'client';
  name: string;
  /** Milliseconds since 1970. */
  ends: number;
}

export class TlsSettings implements Disposable {
  readonly #options: TlsSettingsOptions;
  readonly #entries: readonly OpenEntry[];
  readonly #extra: readonly Material<Authorities>[];
  readonly #expiry: ExpiryWatch;
  #onClose: () => void = () => {};
  #default: { extra: readonly Authorities[]; made: HostTls } | undefined;

  constructor(options: TlsSettingsOptions) {
    this.#options = options;
    this.#entries = options.entries.map((entry) => this.#open(entry));
    this.#extra = (options.extraAuthorities ?? []).map((extra) => {
      if ('file' in extra) return watchAuthorities(extra.file, this.#eventsOf(extra.file));
      const constant = { ca: extra.pem };
      return { current: () => constant };
    });
    const { onEvent, now = () => Date.now() } = options;
    this.#expiry = new ExpiryWatch({ certificates: () => this.certificates(), onEvent, now });
  }

  /** Begins to look after files and ends now and then, also while nobody connects. */
  start(): void {
    this.#expiry.start();
  }

  /** Tells of certificates that end soon, as is done now and then. */
  lookAtEnds(): void {
    this.#expiry.look();
  }

  /** What keeps entries from being used, such as a certificate that the store does not have. */
  troubles(): { who: string; error: Error }[] {
    return this.#entries.flatMap((open) => {
      try {
        this.#make(open);
        return [];
      } catch (error) {
        return [{ who: nameOf(open.entry), error: error as Error }];
      }
    });
  }

  /** What holds for Workers of an environment: its own entries stand before equally exact ones of all. */
  findFor(environment: string | undefined): FindTls {
    const entries = this.#entries
      .filter(({ entry }) => entry.environment === undefined || entry.environment === environment)
      .sort((one, other) => compareExactness(one.entry.pattern, other.entry.pattern) || forAll(one) - forAll(other));
    return (destination) => {
      const found = entries.find(({ entry }) => entry.pattern.matches(destination));
      return found === undefined ? this.#system() : this.#make(found);
    };
  }

  /** Every certificate in use now; what cannot be read is left out, connections say why. */
  certificates(): UsedCertificate[] {
    const { control } = this.#options;
    const used = this.#entries.flatMap(({ entry, authorities, identity }): (UsedCertificate | undefined)[] => [
      authorities && toUsed('authority', entry.ca!, () => authorities.current().ca),
      identity && toUsed('client', entry.identity!, () => identity.current().cert),
    ]);
    const extra = this.#extra.map((material, index) => {
      const from = this.#options.extraAuthorities![index]!;
      return 'file' in from ? toUsed('authority', from, () => material.current().ca) : undefined;
    });
    const stored = (control()?.certificates.list() ?? []).map(({ id, ca, certificates }) =>
      toUsed(ca ? 'authority' : 'client', { id }, () => certificates),
    );
    const all = [...used, ...extra, ...stored].filter((each) => each !== undefined);
    return [...new Map(all.map((each) => [`${each.source} ${each.kind}`, each])).values()];
  }

  /** Names of what uses a certificate of the store. */
  usersOf(id: string): string[] {
    return this.#options.entries
      .filter(({ ca, identity }) => [ca, identity].some((source) => source && 'id' in source && source.id === id))
      .map(nameOf);
  }

  /** Has this done too when it is closed. */
  onClose(then: () => void): void {
    this.#onClose = then;
  }

  close(): void {
    this.#expiry.close();
    this.#onClose();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #make(open: OpenEntry): HostTls {
    const { entry, known } = open;
    const ca = open.authorities?.current();
    const identity = open.identity?.current();
    const extra = entry.system ? this.#extra.map((each) => each.current()) : [];
    if (known?.ca === ca && known?.identity === identity && isSame(known?.extra, extra)) return known!.made;
    const trusted = [...extra, ...(ca === undefined ? [] : [ca])].map((each) => each.ca);
    const made = toHostTls(
      {
        ...(trusted.length === 0 ? {} : { ca: entry.system ? [...systemCertificates(), ...trusted] : trusted }),
        ...(identity === undefined ? {} : { cert: identity.cert, key: identity.key }),
      },
      {
        source: `[[trust]] ${entry.pattern.text}`,
        place: entry.place,
        authorities: [...(entry.system ? [systemAuthorities] : []), ...(ca ? [describeCertificates(ca.ca)] : [])].join(
          ' and ',
        ),
        certificate: identity && describeCertificates(identity.cert),
        certificateEnds: identity && firstToEnd(identity.cert).ends,
        ways: entryWays,
      },
    );
    open.known = { ca, identity, extra, made };
    return made;
  }

  /** For what no entry is about. */
  #system(): HostTls {
    const extra = this.#extra.map((each) => each.current());
    if (this.#default !== undefined && isSame(this.#default.extra, extra)) return this.#default.made;
    const ca = extra.length === 0 ? {} : { ca: [...systemCertificates(), ...extra.map((each) => each.ca)] };
    const made = toHostTls(ca, bareAbout);
    this.#default = { extra, made };
    return made;
  }

  #open(entry: TrustEntry): OpenEntry {
    const options = { control: this.#options.control, events: this.#eventsOf(nameOf(entry)) };
    return { entry, ...openMaterial(entry, options) };
  }

  #eventsOf(who: string): MaterialEvents {
    const { onEvent } = this.#options;
    return {
      changed: (files) => onEvent({ type: 'tls-changed', who, files }),
      kept: (error) => onEvent({ type: 'tls-unusable', who, error, kept: true }),
    };
  }
}

/** Last among the equally exact. */
function forAll({ entry }: OpenEntry): number {
  return entry.environment === undefined ? 1 : 0;
}

function nameOf({ pattern, place }: TrustEntry): string {
  return `[[trust]] ${pattern.text} (${place})`;
}

function toUsed(
  kind: UsedCertificate['kind'],
  source: { file: string } | { id: string },
  read: () => string,
): UsedCertificate | undefined {
  try {
    const from = 'file' in source ? source.file : `certificate ${source.id}`;
    return { source: from, kind, ...firstToEnd(read()) };
  } catch {
    return undefined;
  }
}

function isSame(one: readonly Authorities[] | undefined, other: readonly Authorities[]): boolean {
  return one !== undefined && one.length === other.length && one.every((each, index) => each === other[index]);
}

/** With NODE_EXTRA_CA_CERTS and --use-system-ca, where Node tells. */
function systemCertificates(): readonly string[] {
  const { getCACertificates } = tls as { getCACertificates?: (which: 'default') => string[] };
  return getCACertificates?.('default') ?? tls.rootCertificates;
}
