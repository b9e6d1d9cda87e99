// The edge's own certificate authority, which connectors trust and nothing else: made at first start, kept in the state
// directory. Its certificate travels inside tokens, so an edge may be reached under any name or address.
import 'reflect-metadata';
import { createPrivateKey, webcrypto, X509Certificate } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';
import { edgeServerName } from '@sallyport/tunnel';
import { EdgeError } from '../errors.ts';
import { readIfThere, readPrivate, writeOnce } from './private-file.ts';

/** Names of the files in the state directory. */
export const authorityFile = 'ca.pem';
export const authorityKeyFile = 'ca.key';

/** Days before its making that a certificate is valid from: a connector's clock may be behind. */
const backdatedDays = 7;
/** Days that the authority and an edge's certificate are valid. The latter is made anew at each start. */
const authorityDays = 20 * 365;
const certificateDays = 2 * 365;

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const day = 86_400_000;

const invalid = 'authority_invalid';

export interface EdgeCertificate {
  /** The authority, PEM. */
  ca: string;
  /** The edge's certificate and key, PEM. */
  cert: string;
  key: string;
}

/**
 * Reads the authority, or makes it, and issues the certificate of this start.
 * @throws EdgeError `authority_invalid`
 */
export async function openAuthority(stateDirectory: string): Promise<EdgeCertificate> {
  x509.cryptoProvider.set(webcrypto);
  await mkdir(stateDirectory, { recursive: true, mode: 0o700 });
  const certFile = join(stateDirectory, authorityFile);
  const keyFile = join(stateDirectory, authorityKeyFile);
  let keyText = await readPrivate(keyFile, invalid);
  if (keyText === undefined && (await readIfThere(certFile, invalid)) !== undefined) {
    // The key is written first, so now it is there, or it was lost. A new one would not fit, and stand where its
    // backup belongs.
    keyText = await readPrivate(keyFile, invalid);
    if (keyText === undefined) throw new EdgeError(invalid, `${keyFile} is missing, but ${certFile} is there`);
  }
  if (keyText === undefined) {
    const keys = await newKeys();
    await writeOnce(keyFile, await toPem(keys.privateKey), invalid);
    keyText = (await readPrivate(keyFile, invalid))!;
  }
  try {
    const keys = await fromPem(keyText);
    let ca = await readIfThere(certFile, invalid);
    if (ca === undefined) {
      await writeOnce(certFile, await createRoot(keys), invalid);
      ca = (await readIfThere(certFile, invalid))!;
    }
    if (!new X509Certificate(ca).checkPrivateKey(createPrivateKey(keyText))) {
      throw new EdgeError(invalid, `${keyFile} is not the key of ${certFile}`);
    }
    const leafKeys = await newKeys();
    return {
      ca,
      cert: await issue(new x509.X509Certificate(ca), keys, leafKeys),
      key: await toPem(leafKeys.privateKey),
    };
  } catch (cause) {
    if (cause instanceof EdgeError) throw cause;
    throw new EdgeError(invalid, `${certFile} and ${keyFile} cannot be used`, { cause });
  }
}

async function createRoot(keys: webcrypto.CryptoKeyPair): Promise<string> {
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=Sallyport edge authority',
    keys,
    signingAlgorithm: algorithm,
    ...validity(authorityDays),
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return `${root.toString('pem')}\n`;
}

async function issue(
  root: x509.X509Certificate,
  rootKeys: webcrypto.CryptoKeyPair,
  leafKeys: webcrypto.CryptoKeyPair,
): Promise<string> {
  const certificate = await x509.X509CertificateGenerator.create({
    subject: `CN=${edgeServerName}`,
    issuer: root.subject,
    publicKey: leafKeys.publicKey,
    signingKey: rootKeys.privateKey,
    signingAlgorithm: algorithm,
    ...validity(certificateDays),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: edgeServerName }]),
    ],
  });
  return `${certificate.toString('pem')}\n`;
}

function validity(days: number): { notBefore: Date; notAfter: Date } {
  const now = Date.now();
  return { notBefore: new Date(now - backdatedDays * day), notAfter: new Date(now + days * day) };
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
}

async function toPem(key: webcrypto.CryptoKey): Promise<string> {
  return `${x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')}\n`;
}

/** Both keys: the public one is part of the private one's parameters. */
async function fromPem(text: string): Promise<webcrypto.CryptoKeyPair> {
  const [pkcs8] = x509.PemConverter.decode(text);
  const privateKey = await webcrypto.subtle.importKey('pkcs8', pkcs8!, algorithm, true, ['sign']);
  const { d: _, ...publicPart } = await webcrypto.subtle.exportKey('jwk', privateKey);
  const jwk = { ...publicPart, key_ops: ['verify'] };
  return { privateKey, publicKey: await webcrypto.subtle.importKey('jwk', jwk, algorithm, true, ['verify']) };
}
