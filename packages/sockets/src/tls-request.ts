// What may be asked of a TLS handshake beyond the public options of `connect()`: what `node:tls` lets a program give.
//
// The handshake is made by the host. Material that a program brings replaces the host's own for this one connection; that
// it verifies at all is not the program's to decide.
import type { TlsOptions } from './options.ts';

/** Authorities and identity in PEM, and the bounds of the handshake, named as `node:tls` names them. */
export interface TlsMaterial {
  /** Authorities to trust instead of all others. */
  ca?: string[];
  cert?: string;
  key?: string;
  passphrase?: string;
  /** PKCS #12, in base64. */
  pfx?: string;
  minVersion?: string;
  maxVersion?: string;
  ciphers?: string;
}

export interface TlsRequest extends TlsOptions {
  material?: TlsMaterial;
  /** The program checks the name itself. Honoured only beside `material.ca`: for a public authority a name is all there is. */
  ownNameCheck?: boolean;
  /** Answer with a `TlsDescription`. */
  describe?: boolean;
}

/** What a finished handshake is like. */
export interface TlsDescription {
  /** As `TLSSocket.getProtocol()` has it. */
  protocol: string | null;
  cipher: { name: string; standardName: string; version: string };
  /** False when whoever runs the host has said that this server is not verified. */
  authorized: boolean;
  authorizationError: string | null;
  /** The server's certificate, then its issuers as far as they were sent: DER in base64. */
  chain: string[];
  /** The server's certificate as `getPeerCertificate()` has it, buffers in base64 as `{ base64 }`. */
  certificate: Record<string, unknown> | null;
}

/** Most characters of a request's material together: the longest list of authorities of a cloud's databases has 170 000. */
export const maxMaterialLength = 240_000;

const texts = ['cert', 'key', 'passphrase', 'pfx', 'minVersion', 'maxVersion', 'ciphers'] as const;
const versions = new Set(['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3']);

/** The material in `value`; undefined when it is none. */
export function readMaterial(value: unknown): TlsMaterial | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const given = value as Record<string, unknown>;
  const material: TlsMaterial = {};
  for (const key of texts) {
    const text = given[key];
    if (text === undefined) continue;
    if (typeof text !== 'string') return undefined;
    if ((key === 'minVersion' || key === 'maxVersion') && !versions.has(text)) return undefined;
    material[key] = text;
  }
  const { ca } = given;
  if (ca === undefined) return material;
  if (!Array.isArray(ca) || !ca.every((entry) => typeof entry === 'string')) return undefined;
  return { ...material, ca };
}

/** How long the material is in all. */
export function materialLength({ ca = [], ...rest }: TlsMaterial): number {
  return [...ca, ...(Object.values(rest) as string[])].reduce((sum, text) => sum + text.length, 0);
}
