// The server's certificate in the shape of `getPeerCertificate()`, from what the edge told.
import { Buffer } from 'node:buffer';
import type { TlsDescription } from '../../tls-request.ts';

export function toPeerCertificate(description: TlsDescription | undefined, detailed: boolean): object {
  if (description === undefined) return {};
  const { certificate, chain } = description;
  if (certificate === null && chain.length === 0) return {};
  const leaf: Record<string, unknown> = {
    ...Object.fromEntries(Object.entries(certificate ?? {}).map(([key, value]) => [key, toBuffer(value)])),
    ...(chain[0] === undefined ? {} : { raw: Buffer.from(chain[0], 'base64') }),
  };
  if (!detailed) return leaf;
  // The issuers are known by their bytes alone; the root is its own issuer.
  let issued = leaf;
  for (const raw of chain.slice(1)) {
    const issuer = { raw: Buffer.from(raw, 'base64') };
    issued['issuerCertificate'] = issuer;
    issued = issuer;
  }
  issued['issuerCertificate'] ??= issued;
  return leaf;
}

function toBuffer(value: unknown): unknown {
  const { base64 } = (value ?? {}) as { base64?: unknown };
  return typeof base64 === 'string' ? Buffer.from(base64, 'base64') : value;
}
