// What a connector needs to serve a tunnel, and the checks every form of it goes through.
//
// The secret never gets into a message: an error names the field and what is wrong with it, nothing of what it holds, and
// has no cause, because a JSON error quotes its input.
import { X509Certificate } from 'node:crypto';
import { TunnelError } from '../link/tunnel-error.ts';

export interface TunnelCredentials {
  accountTag: string;
  /** A UUID in lower case. */
  tunnelId: string;
  tunnelName?: string | undefined;
  /** At least `minSecret` bytes. */
  secret: Uint8Array;
  /** The edge's authority, PEM: the only one the connector trusts. */
  ca: string;
  /** `host:port`; at least one. */
  edges: readonly string[];
}

/** Bytes of a secret. */
export const minSecret = 32;
export const maxSecret = 512;
/** Edge addresses in one token or file. */
export const maxEdges = 64;
/** Characters of a token or credentials file. */
export const maxCredentialsLength: number = 64 * 1024;
/** Characters of an account tag or a tunnel's name. */
const maxName = 256;

/** The fields of a token or a file, before anything is known about them. */
export interface RawCredentials {
  accountTag: unknown;
  tunnelId: unknown;
  tunnelName: unknown;
  secret: unknown;
  ca: unknown;
  edges: unknown;
}

/** How the fields are called where they were read, for messages. */
export type FieldNames = Readonly<Record<keyof RawCredentials, string>>;

const uuid = /^[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}$/i;
const base64 = /^[A-Za-z0-9+/]+={0,2}$/;
const edgePattern = /^(?:\[([\da-fA-F:.]+)\]|([^\s:[\]@/\\?#%]{1,253})):(\d{1,5})$/;

/** @throws TunnelError `invalid_credentials`; `subject` is what is being read, such as `The token`. */
export function checkCredentials(
  raw: RawCredentials,
  { subject, names }: { subject: string; names: FieldNames },
): TunnelCredentials {
  const fail = (problem: string): never => {
    throw invalid(`${subject} ${problem}`);
  };
  const { accountTag, tunnelId, tunnelName, secret, ca, edges } = raw;
  if (typeof tunnelId !== 'string' || !uuid.test(tunnelId)) return fail(`has no UUID of a tunnel (${names.tunnelId})`);
  if (typeof accountTag !== 'string' || accountTag.length > maxName)
    return fail(`has no account (${names.accountTag})`);
  if (tunnelName !== undefined && (typeof tunnelName !== 'string' || tunnelName.length > maxName)) {
    return fail(`has a tunnel name that is not a text of up to ${maxName} characters (${names.tunnelName})`);
  }
  if (typeof secret !== 'string' || !base64.test(secret)) return fail(`has no secret in base64 (${names.secret})`);
  const bytes = Buffer.from(secret, 'base64');
  if (bytes.length < minSecret || bytes.length > maxSecret) {
    return fail(`has a secret of ${bytes.length} bytes, not ${minSecret} to ${maxSecret} (${names.secret})`);
  }
  if (ca === undefined && edges === undefined) {
    return fail(`names no edge (${names.ca}, ${names.edges}): it was made for another service than a Sallyport edge`);
  }
  if (typeof ca !== 'string' || !isPem(ca)) return fail(`has no certificate of the edge in PEM (${names.ca})`);
  if (!Array.isArray(edges) || edges.length === 0 || edges.length > maxEdges) {
    return fail(`names no edge, or more than ${maxEdges} (${names.edges})`);
  }
  for (const edge of edges as unknown[]) {
    if (parseEdge(edge) === undefined) return fail(`has an edge that is not host:port (${names.edges})`);
  }
  return {
    accountTag,
    tunnelId: tunnelId.toLowerCase(),
    ...(tunnelName === undefined || tunnelName === '' ? {} : { tunnelName }),
    secret: bytes,
    ca,
    edges: [...(edges as string[])],
  };
}

/** Reads an object out of a JSON text, telling nothing of what is in it. */
export function parseObject(json: string, subject: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw invalid(`${subject} is cut off or changed: it holds no JSON`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(`${subject} holds no JSON object`);
  }
  return value as Record<string, unknown>;
}

export function invalid(detail: string): TunnelError {
  return new TunnelError('invalid_credentials', detail);
}

/** `host:port` in two parts, brackets taken off; undefined when it is not that. */
export function parseEdge(text: unknown): { host: string; port: number } | undefined {
  const [, ip, name, digits] = (typeof text === 'string' ? edgePattern.exec(text) : null) ?? [];
  const host = ip ?? name;
  const port = Number(digits);
  return host === undefined || port < 1 || port > 65_535 ? undefined : { host, port };
}

function isPem(text: string): boolean {
  if (!text.includes('-----BEGIN CERTIFICATE-----')) return false;
  try {
    return new X509Certificate(text).ca;
  } catch {
    return false;
  }
}
