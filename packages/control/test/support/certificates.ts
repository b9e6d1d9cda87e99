// Certificates for the store's tests.
import { type Certificate, type CertificateAuthority, type CertificateKind, testAuthority } from '@sallyport/testkit';

export const authority: () => Promise<CertificateAuthority> = testAuthority;

export async function issue(kind: CertificateKind): Promise<Certificate> {
  return (await testAuthority()).issue(kind);
}
