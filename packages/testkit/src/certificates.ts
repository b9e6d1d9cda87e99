// Certificates for tests: an authority of our own, and leaves that are right or wrong in exactly one way.
//
// P-256 throughout, because making an RSA key takes longer than most tests do. One authority per process is enough for
// nearly every test (`testAuthority()`); make another with `createAuthority()` when two roots must not trust each other.
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import * as x509 from '@peculiar/x509';

/**
 * What a leaf certificate is like. `good` is right in every way; each other kind is wrong in one:
 * `self-signed` is signed by itself, `unknown-ca` by an authority nobody was told about, `expired` ended an hour ago,
 * `not-yet-valid` begins in a day, `wrong-name` is for `wrong.invalid`. `client` is a good client certificate.
 */
export type CertificateKind =
  | 'good'
  | 'self-signed'
  | 'unknown-ca'
  | 'expired'
  | 'not-yet-valid'
  | 'wrong-name'
  | 'client';

export interface CertificateOptions {
  /** Host names and IP addresses it is valid for. Default: `localhost`, `127.0.0.1`, `::1`. */
  names?: readonly string[];
  /** Subject common name. Default: the first of `names`, or `client` for a client certificate. */
  commonName?: string;
}

/** PEM texts, named as `node:tls` names its options: `tls.createServer({ ...certificate })` is a server of that kind. */
export interface Certificate {
  cert: string;
  key: string;
}

export interface CertificateAuthority {
  /** The root certificate, PEM: what a client passes as `ca`. */
  readonly ca: string;
  issue(kind: CertificateKind, options?: CertificateOptions): Promise<Certificate>;
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const loopbackNames = ['localhost', '127.0.0.1', '::1'];
const hour = 3_600_000;

x509.cryptoProvider.set(webcrypto);

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
}

async function privateKeyPem(keys: webcrypto.CryptoKeyPair): Promise<string> {
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return `${x509.PemConverter.encode(pkcs8, 'PRIVATE KEY')}\n`;
}

function pem(certificate: x509.X509Certificate): string {
  return `${certificate.toString('pem')}\n`;
}

function validity(kind: CertificateKind): { notBefore: Date; notAfter: Date } {
  const now = Date.now();
  if (kind === 'expired') return { notBefore: new Date(now - 48 * hour), notAfter: new Date(now - hour) };
  if (kind === 'not-yet-valid') return { notBefore: new Date(now + 24 * hour), notAfter: new Date(now + 48 * hour) };
  return { notBefore: new Date(now - hour), notAfter: new Date(now + 24 * hour) };
}

function leafExtensions(kind: CertificateKind, names: readonly string[]): x509.Extension[] {
  const usage = kind === 'client' ? x509.ExtendedKeyUsage.clientAuth : x509.ExtendedKeyUsage.serverAuth;
  return [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    new x509.ExtendedKeyUsageExtension([usage]),
    new x509.SubjectAlternativeNameExtension(
      names.map((value) => ({ type: isIP(value) === 0 ? ('dns' as const) : ('ip' as const), value })),
    ),
  ];
}

/** A fresh root that can issue certificates of every kind. */
export async function createAuthority(name = 'Sallyport test authority'): Promise<CertificateAuthority> {
  const keys = await newKeys();
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`,
    keys,
    signingAlgorithm: algorithm,
    ...validity('good'),
    extensions: [
      new x509.BasicConstraintsExtension(true, 1, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });

  async function issue(kind: CertificateKind, options: CertificateOptions = {}): Promise<Certificate> {
    if (kind === 'unknown-ca') return (await createAuthority('Nobody knows me')).issue('good', options);
    const names = kind === 'wrong-name' ? ['wrong.invalid'] : (options.names ?? loopbackNames);
    const commonName = options.commonName ?? (kind === 'client' ? 'client' : names[0]);
    const leafKeys = await newKeys();
    const leaf = { signingAlgorithm: algorithm, ...validity(kind), extensions: leafExtensions(kind, names) };
    const certificate =
      kind === 'self-signed'
        ? await x509.X509CertificateGenerator.createSelfSigned({ ...leaf, name: `CN=${commonName}`, keys: leafKeys })
        : await x509.X509CertificateGenerator.create({
            ...leaf,
            subject: `CN=${commonName}`,
            issuer: root.subject,
            publicKey: leafKeys.publicKey,
            signingKey: keys.privateKey,
          });
    return { cert: pem(certificate), key: await privateKeyPem(leafKeys) };
  }

  return { ca: pem(root), issue };
}

let shared: Promise<CertificateAuthority> | undefined;

/** The authority that the tests of this process share. */
export function testAuthority(): Promise<CertificateAuthority> {
  shared ??= createAuthority();
  return shared;
}
