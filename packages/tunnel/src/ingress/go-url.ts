// URLs as Go's net/url reads them: which services are valid, and with which words they are refused, hangs on its rules
// [net/url Parse], and those differ from the WHATWG parser in Node (no normalising, opaque URLs, percent-decoded path).

/** The parts of a URL that ingress rules look at. */
export interface GoUrl {
  /** In lower case; empty when there is none. */
  scheme: string;
  /** Host and port as written. */
  host: string;
  /** Host without port and brackets. */
  hostname: string;
  /** Empty when there is none. */
  port: string;
  /** Percent-decoded. */
  path: string;
}

/** Go's words for what is wrong, without the `parse "…": ` in front. */
class UrlProblem extends Error {}

/** Reads a URL; `problem` holds Go's whole message. */
export function parseGoUrl(text: string): { url: GoUrl } | { problem: string } {
  try {
    return { url: parseReference(text) };
  } catch (error) {
    if (!(error instanceof UrlProblem)) throw error;
    return { problem: `parse ${JSON.stringify(text)}: ${error.message}` };
  }
}

function parseReference(text: string): GoUrl {
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(text)) throw new UrlProblem('net/url: invalid control character in URL');
  const { scheme, rest: withQuery } = splitScheme(text.split('#', 1)[0]!);
  const rest = withQuery.split('?', 1)[0]!;
  if (!rest.startsWith('/')) {
    if (scheme !== '') return { scheme, host: '', hostname: '', port: '', path: '' };
    if (rest.split('/', 1)[0]!.includes(':')) throw new UrlProblem('first path segment in URL cannot contain colon');
  }
  if (!rest.startsWith('//') || (scheme === '' && rest.startsWith('///'))) {
    return { scheme, host: '', hostname: '', port: '', path: decode(rest) };
  }
  const end = rest.indexOf('/', 2);
  const authority = end === -1 ? rest.slice(2) : rest.slice(2, end);
  const path = end === -1 ? '' : rest.slice(end);
  const at = authority.lastIndexOf('@');
  if (!/^[\w\-.:~!$&'()*+,;=%@]*$/.test(authority.slice(0, Math.max(at, 0)))) {
    throw new UrlProblem('net/url: invalid userinfo');
  }
  return { scheme, ...splitHost(authority.slice(at + 1)), path: decode(path) };
}

function splitScheme(text: string): { scheme: string; rest: string } {
  if (text.startsWith(':')) throw new UrlProblem('missing protocol scheme');
  const [whole, scheme = ''] = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(text) ?? [''];
  return { scheme: scheme.toLowerCase(), rest: text.slice(whole.length) };
}

function splitHost(host: string): { host: string; hostname: string; port: string } {
  const bracket = host.lastIndexOf(']');
  if (host.startsWith('[') && bracket === -1) throw new UrlProblem("missing ']' in host");
  const colon = host.startsWith('[') ? bracket + 1 : host.lastIndexOf(':');
  const suffix = colon === -1 ? '' : host.slice(colon);
  if (suffix !== '' && !/^:\d*$/.test(suffix)) {
    throw new UrlProblem(`invalid port ${JSON.stringify(suffix)} after host`);
  }
  // Go allows "%" only in the zone of an IPv6 address, and these marks besides letters, digits and non-ASCII.
  const bad = /[^\w\-.~!$&'()*+,;=:[\]<>"%\u0080-\u{10ffff}]/u.exec(host);
  if (bad !== null) throw new UrlProblem(`invalid character ${JSON.stringify(bad[0])} in host name`);
  const escape = /%(?!25)[\da-fA-F]{0,2}/.exec(host);
  if (escape !== null) throw new UrlProblem(`invalid URL escape ${JSON.stringify(escape[0])}`);
  const name = suffix === '' ? host : host.slice(0, colon);
  return { host, hostname: name.startsWith('[') ? name.slice(1, -1) : name, port: suffix.slice(1) };
}

function decode(path: string): string {
  const bad = /%(?![\da-fA-F]{2}).{0,2}/s.exec(path);
  if (bad !== null) throw new UrlProblem(`invalid URL escape ${JSON.stringify(bad[0])}`);
  return decodePath(path);
}

/** Percent-decodes a path; escapes that are not UTF-8 become U+FFFD, broken ones stay as they are. */
export function decodePath(path: string): string {
  return path.replace(/(?:%[\da-fA-F]{2})+/g, (run) => Buffer.from(run.replaceAll('%', ''), 'hex').toString());
}

/** Takes the port off `host:port`, as Go's net.SplitHostPort does; undefined when there is none. */
export function splitHostPort(text: string): { host: string; port: string } | undefined {
  const found = /^(?:\[([^[\]]*)\]|([^:[\]]*)):([^:[\]]*)$/.exec(text);
  return found === null ? undefined : { host: found[1] ?? found[2] ?? '', port: found[3] ?? '' };
}
