// Channel binding data of type `tls-server-end-point` [RFC 5929 4]: the server's certificate, hashed with the hash of
// its own signature, and with SHA-256 where that would be MD5 or SHA-1.
//
// Which hash that is stands in the certificate's DER; `node:crypto` only tells from Node 24 on, so it is read here.
import { createHash } from 'node:crypto';

/** Signature algorithms as DER object identifiers, in hexadecimal, and the hash that RFC 5929 takes for them. */
const hashBySignature: Readonly<Record<string, string>> = {
  '2a864886f70d010104': 'sha256', // md5WithRSAEncryption
  '2a864886f70d010105': 'sha256', // sha1WithRSAEncryption
  '2a864886f70d01010b': 'sha256',
  '2a864886f70d01010c': 'sha384',
  '2a864886f70d01010d': 'sha512',
  '2a864886f70d01010e': 'sha224',
  '2a8648ce3d0401': 'sha256', // ecdsa-with-SHA1
  '2a8648ce3d040301': 'sha224',
  '2a8648ce3d040302': 'sha256',
  '2a8648ce3d040303': 'sha384',
  '2a8648ce3d040304': 'sha512',
};

/** RSASSA-PSS names its hash in its parameters. */
const pss = '2a864886f70d01010a';
const hashInPss: readonly (readonly [string, string])[] = [
  ['0609608648016503040201', 'sha256'],
  ['0609608648016503040202', 'sha384'],
  ['0609608648016503040203', 'sha512'],
];

/** One DER element: where its content is. Undefined for what is no DER. */
function elementAt(der: Uint8Array, at: number): { start: number; end: number } | undefined {
  const first = der[at + 1];
  if (first === undefined) return undefined;
  let start = at + 2;
  let length = first;
  if (first >= 0x80) {
    const bytes = first & 0x7f;
    if (bytes < 1 || bytes > 3) return undefined;
    length = 0;
    for (let index = 0; index < bytes; index += 1) length = length * 256 + (der[start + index] ?? 0);
    start += bytes;
  }
  return start + length > der.length ? undefined : { start, end: start + length };
}

function signatureHash(der: Uint8Array): string | undefined {
  const certificate = elementAt(der, 0);
  const signed = certificate && elementAt(der, certificate.start);
  const algorithm = signed && elementAt(der, signed.end);
  const identifier = algorithm && elementAt(der, algorithm.start);
  if (algorithm === undefined || identifier === undefined) return undefined;
  const name = Buffer.from(der.subarray(identifier.start, identifier.end)).toString('hex');
  if (name !== pss) return hashBySignature[name];
  const parameters = Buffer.from(der.subarray(identifier.end, algorithm.end)).toString('hex');
  const named = hashInPss
    .map(([oid, hash]) => ({ at: parameters.indexOf(oid), hash }))
    .filter(({ at }) => at !== -1)
    .sort((one, other) => one.at - other.at);
  return named[0]?.hash ?? 'sha256';
}

/** From a certificate in DER. Undefined where no hash is defined, as for Ed25519: then there is no channel binding. */
export function toServerEndPoint(certificate: Uint8Array): Buffer | undefined {
  const hash = signatureHash(certificate);
  return hash === undefined ? undefined : createHash(hash).update(certificate).digest();
}
