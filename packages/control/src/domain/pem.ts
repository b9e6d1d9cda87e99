// What is in a PEM text with certificates, in the words of Cloudflare's certificate store.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { ControlError } from '../errors.ts';

/** Longest PEM text, in characters: the bundles of cloud providers have about 170,000. */
export const maxPemLength = 300_000;

export interface CertificateFacts {
  /** The certificates alone, without what stood between them. */
  certificates: string;
  /** Of the first certificate: `O=Example,C=US`. */
  issuer: string;
  /** Decimal. */
  serial_number: string;
  /** How it was signed: `SHA256-RSA`. */
  signature: string;
  /** ISO 8601. */
  expires_on: string;
}

const block = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** @throws ControlError `invalid_value` */
export function parseCertificates(text: unknown): { facts: CertificateFacts; first: X509Certificate } {
  if (typeof text !== 'string' || text.trim() === '') throw invalid('"certificates" is no PEM text');
  if (text.length > maxPemLength) throw invalid(`"certificates" has more than ${maxPemLength} characters`);
  if (text.includes('PRIVATE KEY-----')) {
    throw invalid('"certificates" holds a private key, which belongs into "private_key"');
  }
  const blocks = text.match(block) ?? [];
  const parsed = blocks.map((each, index) => {
    try {
      return new X509Certificate(each);
    } catch (error) {
      throw invalid(`certificate ${index + 1} of ${blocks.length} cannot be read: ${(error as Error).message}`, error);
    }
  });
  const [first] = parsed;
  if (first === undefined) throw invalid('"certificates" has no PEM block that begins with BEGIN CERTIFICATE');
  const facts = {
    certificates: `${parsed.map((each) => each.toString().trim()).join('\n')}\n`,
    issuer: first.issuer.split('\n').toReversed().join(','),
    serial_number: BigInt(`0x${first.serialNumber}`).toString(),
    signature: signatureOf(first.raw),
    expires_on: new Date(first.validTo).toISOString(),
  };
  return { facts, first };
}

/** Checks that a key is one, in the clear, and belongs to the certificate. @throws ControlError `invalid_value` */
export function checkPrivateKey(text: unknown, certificate: X509Certificate): string {
  if (typeof text !== 'string' || text.trim() === '') {
    throw invalid('"private_key" is missing: a client certificate is of no use without its key');
  }
  if (text.length > maxPemLength) throw invalid(`"private_key" has more than ${maxPemLength} characters`);
  if (/BEGIN ENCRYPTED PRIVATE KEY|Proc-Type: 4,ENCRYPTED/.test(text)) {
    throw invalid('"private_key" is encrypted: decrypt it first, it is encrypted again where it is stored');
  }
  let fits: boolean;
  try {
    fits = certificate.checkPrivateKey(createPrivateKey(text));
  } catch {
    // The library's error could show what it read.
    throw invalid('"private_key" is not a private key in PEM');
  }
  if (!fits) throw invalid('"private_key" does not belong to the first certificate of "certificates"');
  return text;
}

const signatures: Readonly<Record<string, string>> = {
  '2a864886f70d010105': 'SHA1-RSA',
  '2a864886f70d01010b': 'SHA256-RSA',
  '2a864886f70d01010c': 'SHA384-RSA',
  '2a864886f70d01010d': 'SHA512-RSA',
  '2a864886f70d01010a': 'RSA-PSS',
  '2a8648ce3d040302': 'ECDSA-SHA256',
  '2a8648ce3d040303': 'ECDSA-SHA384',
  '2a8648ce3d040304': 'ECDSA-SHA512',
  '2b6570': 'Ed25519',
};

/** From DER: a sequence of what is signed, the algorithm (a sequence that starts with its identifier) and the bits. */
function signatureOf(der: Buffer): string {
  const algorithm = enter(der, skip(der, enter(der, 0)));
  const identifier = der.subarray(enter(der, algorithm), skip(der, algorithm)).toString('hex');
  return signatures[identifier] ?? 'unknown';
}

/** Where an element's content starts. */
function enter(der: Buffer, at: number): number {
  const first = der[at + 1]!;
  return at + 2 + (first < 0x80 ? 0 : first & 0x7f);
}

/** Where the next element starts. */
function skip(der: Buffer, at: number): number {
  const first = der[at + 1]!;
  const start = enter(der, at);
  return start + (first < 0x80 ? first : der.readUIntBE(at + 2, first & 0x7f));
}

function invalid(detail: string, cause?: unknown): ControlError {
  return new ControlError('invalid_value', detail, { cause });
}
