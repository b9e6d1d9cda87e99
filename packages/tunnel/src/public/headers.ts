// Which header fields go through a proxy, and which belong to one connection only. Framing is never taken over from the
// text of a header: it is decided anew for each side, so that a field cannot mean two things to two servers.

/** Fields of one connection [RFC 9110 7.6.1]; `te` is put back when it asks for trailers. */
const hopByHop: ReadonlySet<string> = new Set([
  'connection',
  'proxy-connection',
  'keep-alive',
  'te',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
  'proxy-authenticate',
  'proxy-authorization',
]);

/** What `Connection` may not take away: who is asked, and how long the body is. */
const kept: ReadonlySet<string> = new Set(['host', 'content-length']);

/** Fields that may not be set by a trailer [RFC 9110 6.5.1]. */
const notInTrailers: ReadonlySet<string> = new Set([
  ...hopByHop,
  ...kept,
  'trailer',
  'authorization',
  'content-encoding',
  'content-type',
  'content-range',
  'set-cookie',
]);

/** Name and value in turn, as Node's `rawHeaders`. */
export type RawHeaders = readonly string[];

export function* pairs(raw: RawHeaders): Generator<[name: string, value: string]> {
  for (let index = 0; index + 1 < raw.length; index += 2) yield [raw[index]!, raw[index + 1]!];
}

/** The fields that go on, in order and as written, without those named in `except` (lower case). */
export function toEndToEnd(raw: RawHeaders, except: readonly string[] = []): string[] {
  const dropped = new Set(except);
  for (const [name, value] of pairs(raw)) {
    if (name.toLowerCase() !== 'connection') continue;
    for (const token of value.split(',')) {
      const field = token.trim().toLowerCase();
      if (!kept.has(field)) dropped.add(field);
    }
  }
  return [...pairs(raw)].flatMap(([name, value]) => {
    const field = name.toLowerCase();
    return hopByHop.has(field) || dropped.has(field) ? [] : [name, value];
  });
}

export function toTrailers(raw: RawHeaders): [string, string][] {
  return [...pairs(raw)].filter(([name]) => !notInTrailers.has(name.toLowerCase()));
}

/** How often a field occurs. */
export function count(raw: RawHeaders, field: string): number {
  return [...pairs(raw)].filter(([name]) => name.toLowerCase() === field).length;
}
