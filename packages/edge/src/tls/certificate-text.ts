// Certificates in a few words. What cannot be read is said to be so: TLS itself tells what is wrong with it.
import { X509Certificate } from 'node:crypto';

const block = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

function parse(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}

/** The subject of the first certificate, on one line, and how many come with it. */
export function describeCertificates(pem: string): string {
  const count = pem.match(block)?.length ?? 0;
  const subject = parse(pem)?.subject;
  // The common name alone, when it is there: the rest is the same for all of a company's.
  const name = /^CN=.*$/m.exec(subject ?? '')?.[0] ?? subject?.split('\n').join(',');
  if (name === undefined || name === '') return 'a certificate without a name';
  return count > 1 ? `${name} and ${count - 1} more` : name;
}

/** Of the certificates of a text, the one that ends first, in milliseconds since 1970. */
export function firstToEnd(pem: string): { name: string; ends: number } {
  const all = (pem.match(block) ?? [pem]).map((each) => {
    return { name: describeCertificates(each), ends: Date.parse(parse(each)?.validTo ?? '') };
  });
  return all.reduce((one, other) => (other.ends < one.ends ? other : one));
}
