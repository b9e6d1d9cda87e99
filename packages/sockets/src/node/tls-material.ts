// What a program brings to its handshake as settings of Node's, and what the finished handshake is told back as.
import type { ConnectionOptions, DetailedPeerCertificate, PeerCertificate, SecureVersion, TLSSocket } from 'node:tls';
import { maxControlLength } from '../wire/frames.ts';
import type { TlsDescription, TlsMaterial } from '../tls-request.ts';

type Settings = Pick<
  ConnectionOptions,
  'ca' | 'cert' | 'key' | 'passphrase' | 'pfx' | 'minVersion' | 'maxVersion' | 'ciphers'
>;

/** The host's own settings, with what the program brought in their place: authorities as one, its identity as one. */
export function toMaterialSettings(given: TlsMaterial | undefined, own: Settings): Settings {
  if (given === undefined) return own;
  const { ca, cert, key, passphrase, pfx, minVersion, maxVersion, ciphers } = given;
  const settings: Settings = { ...own };
  if (ca !== undefined) settings.ca = ca;
  if (cert !== undefined || pfx !== undefined) {
    for (const name of ['cert', 'key', 'passphrase', 'pfx'] as const) delete settings[name];
    if (cert !== undefined) settings.cert = cert;
    if (key !== undefined) settings.key = key;
    if (pfx !== undefined) settings.pfx = Buffer.from(pfx, 'base64');
    if (passphrase !== undefined) settings.passphrase = passphrase;
  }
  if (minVersion !== undefined) settings.minVersion = minVersion as SecureVersion;
  if (maxVersion !== undefined) settings.maxVersion = maxVersion as SecureVersion;
  if (ciphers !== undefined) settings.ciphers = ciphers;
  return settings;
}

/** Most bytes of certificates that are told, so that the answer fits into its frame beside everything else. */
const maxCertificates = maxControlLength - 4_096;

/** What `node:tls` in a Worker can tell about a connection. */
export function describeTls(secure: TLSSocket): TlsDescription {
  const { name, standardName, version } = secure.getCipher();
  const description: TlsDescription = {
    protocol: secure.getProtocol(),
    cipher: { name, standardName, version },
    authorized: secure.authorized,
    authorizationError: secure.authorized ? null : String(secure.authorizationError),
    chain: [],
    certificate: null,
  };
  let room = maxCertificates;
  const tell = (length: number): boolean => (room -= length) >= 0;
  const leaf = secure.getPeerCertificate(true);
  // A session without certificates has an empty object here.
  if (leaf?.raw === undefined) return description;
  const certificate = toPlain(leaf);
  if (tell(JSON.stringify(certificate).length)) description.certificate = certificate;
  for (const { raw } of chainOf(leaf)) {
    const text = raw.toString('base64');
    if (!tell(text.length)) break;
    description.chain.push(text);
  }
  return description;
}

function* chainOf(leaf: DetailedPeerCertificate): Generator<DetailedPeerCertificate> {
  const seen = new Set<DetailedPeerCertificate>();
  for (
    let at: DetailedPeerCertificate | undefined = leaf;
    at !== undefined && !seen.has(at);
    at = at.issuerCertificate
  ) {
    seen.add(at);
    yield at;
  }
}

function toPlain(leaf: DetailedPeerCertificate): Record<string, unknown> {
  const { issuerCertificate: _, raw: __, ...rest } = leaf as DetailedPeerCertificate & PeerCertificate;
  return Object.fromEntries(
    Object.entries(rest).map(([key, value]) => [
      key,
      value instanceof Uint8Array ? { base64: Buffer.from(value).toString('base64') } : value,
    ]),
  );
}
