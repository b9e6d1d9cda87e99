// The PEMs behind the certificates that something names, from the certificate store.
import { ControlError } from '../errors.ts';
import type { Certificates } from './certificates.ts';

export interface CertificateIds {
  readonly ca_certificate_id?: string | undefined;
  readonly mtls_certificate_id?: string | undefined;
}

/** PEM; `key` belongs to `certificate`. */
export interface TlsMaterial {
  readonly ca?: string;
  readonly certificate?: string;
  readonly key?: string;
}

/** @throws ControlError `not_found`, `invalid_value` (an authority where a client certificate is wanted), `secret_unreadable` */
export function resolveTls(
  { ca_certificate_id: ca, mtls_certificate_id: own }: CertificateIds,
  certificates: Certificates,
): TlsMaterial {
  const pemOf = (id: string, isAuthority: boolean): string => {
    const found = certificates.get(id);
    if (found === undefined) throw new ControlError('not_found', `certificate ${id}`);
    if (found.ca === isAuthority) return found.certificates;
    const [is, wanted] = isAuthority
      ? ['a client certificate', 'an authority']
      : ['an authority', 'a client certificate'];
    throw new ControlError('invalid_value', `certificate ${id} is ${is}, where ${wanted} is wanted`);
  };
  const key = own === undefined ? undefined : certificates.keyOf(own);
  return {
    ...(ca === undefined ? {} : { ca: pemOf(ca, true) }),
    ...(own === undefined ? {} : { certificate: pemOf(own, false) }),
    ...(key === undefined ? {} : { key }),
  };
}
