// `node:http` is the runtime's own, over its `fetch()`, whose failures are responses. A program that uses `node:http` waits
// for `error`: a response that the gateway made in place of an origin's becomes one. The gateway lets no origin's pass for it.
import { isSocketErrorCode, SocketError } from '../../socket-error.ts';
import { fromSocketError, invalidArgument, type Peer, toNodeError } from './node-errors.ts';

/** Says that the gateway made the answer, and why. */
const mark = 'sallyport-error';

interface Response {
  headers: Record<string, string | undefined>;
  resume(): void;
}

export interface Request {
  host: string;
  protocol: string;
  getHeader(name: string): unknown;
  emit(event: string | symbol, ...args: unknown[]): boolean;
}

/** Where a request was to go, as far as it tells. */
function toPeer(request: Request): Peer {
  const written = request.getHeader('host');
  const port = /:(\d+)$/.exec(typeof written === 'string' ? written : '')?.[1];
  const usual = request.protocol === 'https:' ? 443 : 80;
  return { host: request.host, port: port === undefined ? usual : Number(port) };
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

/** TLS options that the runtime's client does not use. */
const unused = ['ca', 'cert', 'key', 'pfx', 'rejectUnauthorized'];

/** Which of them a program has given, for this request or to its agent. */
function unusedOf(args: readonly unknown[]): string[] {
  const [options = {}] = args.filter(
    (value) => typeof value === 'object' && value !== null && !(value instanceof URL),
  ) as object[];
  const { agent } = options as { agent?: { options?: object } };
  const given: Record<string, unknown> = { ...agent?.options, ...options };
  return unused.filter((name) => given[name] !== undefined && given[name] !== true);
}

/** Starts a request that emits `error` where Node's would. */
export function startHonest<Given extends Request>(
  start: (...args: unknown[]) => Given,
  given: readonly unknown[],
): Given {
  checkHosts(given);
  const request = start(...given);
  const emit = request.emit.bind(request);
  const names = unusedOf(given);
  request.emit = (event, ...args) => {
    const [response] = args as [Response | undefined];
    const code = event === 'response' ? response?.headers[mark] : undefined;
    if (code === undefined) return emit(event, ...args);
    response!.resume();
    const error = isSocketErrorCode(code)
      ? fromSocketError(new SocketError(code), toPeer(request), true)
      : toNodeError('socket hang up', 'ECONNRESET', { cause: new Error("The origin's answer was broken.") });
    if (names.length > 0 && code.startsWith('tls_')) {
      error.message += `. node:https in a Worker uses the host's trust, and not ${names.join(', ')}`;
    }
    return emit('error', error);
  };
  return request;
}
