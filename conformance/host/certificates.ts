// One authority for a whole run, and each kind of certificate made once.
import { type Certificate, type CertificateAuthority, type PeerTls, testAuthority } from '@sallyport/testkit';
import type { TlsSpec } from '../case.ts';

export class Certificates {
  readonly client: Certificate;
  readonly #authority: CertificateAuthority;
  readonly #made = new Map<string, Promise<Certificate>>();

  private constructor(authority: CertificateAuthority, client: Certificate) {
    this.#authority = authority;
    this.client = client;
  }

  static async create(): Promise<Certificates> {
    const authority = await testAuthority();
    return new Certificates(authority, await authority.issue('client', { commonName: 'conformance' }));
  }

  /** The root that every subject trusts, PEM. */
  get ca(): string {
    return this.#authority.ca;
  }

  async toPeerTls(spec: TlsSpec): Promise<PeerTls> {
    const { certificate: kind, names, alpn, demandsCertificate, maxVersion } = spec;
    const key = JSON.stringify([kind, names]);
    const made = this.#made.get(key) ?? this.#authority.issue(kind, names === undefined ? {} : { names });
    this.#made.set(key, made);
    return {
      certificate: await made,
      ...(alpn === undefined ? {} : { alpn }),
      ...(demandsCertificate === undefined ? {} : { clientCa: this.ca }),
      ...(maxVersion === undefined ? {} : { maxVersion }),
    };
  }
}
