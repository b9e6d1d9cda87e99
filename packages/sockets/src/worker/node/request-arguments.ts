// What a program gives to `node:http` and `node:https`, where the runtime would quietly do something else with it.
import { checkServerIdentity } from 'node:tls';
import { invalidArgument } from './node-errors.ts';

interface TlsOptions extends Record<string, unknown> {
  checkServerIdentity?: unknown;
  crl?: unknown;
}

/** @throws TypeError with Node's code */
export function checkRequestArguments(args: readonly unknown[]): void {
  checkHosts(args);
  checkVerification(tlsOptionsOf(args));
}

/** A name, an IPv4 or an IPv6 address; not that it is one, but that a URL has no other part in it. */
const hostOnly = /^(?:[^\s@/\\?#%:[\]]*|\[?[\da-f.]*:[\da-f.]*:[\da-f:.]*\]?)$/i;

/**
 * The runtime puts `host` into a URL as it is: `10.0.0.1#.example.com`, which Node looks up and does not find, would be
 * `10.0.0.1`, whatever a program has made sure of. Throws for a host that is more than one.
 */
function checkHosts(args: readonly unknown[]): void {
  for (const given of args) {
    if (typeof given !== 'object' || given === null || given instanceof URL) continue;
    for (const name of ['host', 'hostname'] as const) {
      const { [name]: host } = given as { host?: unknown; hostname?: unknown };
      if (typeof host !== 'string' || hostOnly.test(host)) continue;
      throw invalidArgument(`The property 'options.${name}' is no host name or address. Received '${host}'`);
    }
  }
}

/**
 * A certificate is verified elsewhere, and a program never gets to see it: one that has to be pinned, or looked up in a
 * list of revoked ones, would be taken for right. A check that has nothing against an empty certificate checks nothing.
 */
function checkVerification({ checkServerIdentity: check, crl }: TlsOptions): void {
  const own = typeof check === 'function' && check !== checkServerIdentity && !acceptsAnything(check as Check);
  if (!own && crl === undefined) return;
  const name = own ? 'checkServerIdentity' : 'crl';
  throw invalidArgument(
    `The option '${name}' has no effect on node:https in a Worker, where the host verifies. Use node:tls for a check of your own.`,
    'ERR_OPTION_NOT_IMPLEMENTED',
  );
}

type Check = (hostname: string, certificate: object) => unknown;

function acceptsAnything(check: Check): boolean {
  try {
    return check('', {}) === undefined;
  } catch {
    return false;
  }
}

/** TLS options that the runtime's client does not use. */
const unused = ['ca', 'cert', 'key', 'pfx', 'rejectUnauthorized'];

/** Which of them a program has given, for this request or to its agent. */
export function unusedOf(args: readonly unknown[]): string[] {
  const given = tlsOptionsOf(args);
  return unused.filter((name) => given[name] !== undefined && given[name] !== true);
}

/** Those of a request over those of its agent. */
function tlsOptionsOf(args: readonly unknown[]): TlsOptions {
  const [options = {}] = args.filter(
    (value) => typeof value === 'object' && value !== null && !(value instanceof URL),
  ) as object[];
  const { agent } = options as { agent?: { options?: object } };
  return { ...agent?.options, ...options };
}
