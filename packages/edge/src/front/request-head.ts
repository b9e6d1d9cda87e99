// What the runtime gets of a request's head: where it goes, its end-to-end fields, and what only the edge may say.
//
// Two readers of one head must not understand it differently, so a head with more than one meaning is refused here
// [RFC 9112 3.2]; what Node's parser refuses (two lengths, a length and chunks, …) never comes this far.
import type { IncomingMessage } from 'node:http';

/** A request as the runtime is to get it. */
export interface RequestHead {
  /** Path and query. */
  path: string;
  /** Names and values by turns. */
  headers: string[];
}

/** The host a request is for, without port, in lower case and without the trailing dot. */
export function toHostname({ headers }: RequestHead): string {
  const host = (headers[1] ?? '').toLowerCase();
  const name = host.startsWith('[') ? host.replace(/\]:\d*$/, ']') : host.replace(/:\d*$/, '');
  return name.replace(/\.$/, '');
}

/** Fields about one connection [RFC 9110 7.6.1]; Node answers `Expect` itself, and nobody here speaks HTTP/2 upgrades. */
const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
  'expect',
  'http2-settings',
]);

/** What `Connection` may not take away: a body whose length nobody says is the next request to whoever reads it. */
const neverNamed = new Set(['content-length']);

/** Fields only the edge may set: where Workers look for the client's address, and what workerd takes from the edge. */
const edgeFields = /^(?:cf-connecting-ip|sallyport-.*)$/;

/** Without a length, Node's client would give these an empty body in chunks. */
const bodyExpected = new Set(['POST', 'PUT', 'PATCH']);

const absoluteForm = /^https?:\/\/([^/?#]*)(.*)$/is;
const validHost = /^(?:\[[0-9a-f:.]+\]|[a-z0-9._~!$&'()*+,;=%-]+)(?::\d*)?$/i;

/** Undefined for a request that has to be answered with 400. */
export function toRequestHead(incoming: IncomingMessage): RequestHead | undefined {
  const fields = toPairs(incoming.rawHeaders);
  const hosts = fields.filter(([name]) => name.toLowerCase() === 'host').map(([, value]) => value);
  const [, authority, rest = ''] = absoluteForm.exec(incoming.url ?? '') ?? [];
  const path = authority === undefined ? (incoming.url ?? '') : rest.replace(/^(?!\/)/, '/');
  // A target in absolute form says the host; the field is ignored then [RFC 9112 3.2.2].
  const host = authority ?? hosts[0] ?? toLocalName(incoming);
  if (hosts.length > 1 || !path.startsWith('/') || !validHost.test(host)) return undefined;
  const kept = withoutHopByHop(incoming.rawHeaders, (name) => name !== 'host' && !edgeFields.test(name));
  // Without its framing said again, a body without a length would not be one [RFC 9112 6.3].
  if (incoming.headers['transfer-encoding'] !== undefined) kept.push('Transfer-Encoding', 'chunked');
  else if (!hasBody(incoming) && bodyExpected.has(incoming.method ?? '')) kept.push('Content-Length', '0');
  return { path, headers: ['Host', host, ...kept, 'CF-Connecting-IP', toClientAddress(incoming)] };
}

/** True for a request that has a body, be it empty. */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || headers['content-length'] !== undefined;
}

/** The fields that are about the message, not about one connection. */
export function withoutHopByHop(rawHeaders: readonly string[], keep: (name: string) => boolean = () => true): string[] {
  const fields = toPairs(rawHeaders);
  const named = new Set(
    fields
      .filter(([name]) => name.toLowerCase() === 'connection')
      .flatMap(([, value]) => value.split(',').map((option) => option.trim().toLowerCase())),
  );
  return fields
    .filter(([name]) => {
      const lower = name.toLowerCase();
      return !hopByHop.has(lower) && (!named.has(lower) || neverNamed.has(lower)) && keep(lower);
    })
    .flat();
}

/** Fields as Node lists them, by twos. */
export function toPairs(rawHeaders: readonly string[]): [name: string, value: string][] {
  return Array.from({ length: rawHeaders.length / 2 }, (_, index) => [
    rawHeaders[index * 2]!,
    rawHeaders[index * 2 + 1]!,
  ]);
}

/** HTTP/1.0 has requests without a host: they mean where they arrived. */
function toLocalName({ socket: { localAddress = 'localhost', localPort } }: IncomingMessage): string {
  return localAddress.includes(':') ? `[${localAddress}]:${localPort}` : `${localAddress}:${localPort}`;
}

/** Who sent a request, an IPv4 address without the form it has on an IPv6 listener. */
export function toClientAddress({ socket: { remoteAddress = '' } }: IncomingMessage): string {
  return remoteAddress.replace(/^::ffff:(?=\d+\.)/, '');
}
