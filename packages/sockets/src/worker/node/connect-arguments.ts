// `connect(options | port, host?, listener?)`, as Node.js takes it.
import { invalidArgument } from './node-errors.ts';

export interface LookedUp {
  address: string;
  family: number;
}

export type Lookup = (
  hostname: string,
  options: object,
  done: (error: Error | null, address: string | LookedUp[], family?: number) => void,
) => void;

export interface ConnectOptions {
  host?: string;
  port?: number | string;
  path?: string;
  lookup?: Lookup;
  family?: number;
  hints?: number;
  localAddress?: string;
  autoSelectFamily?: boolean;
  autoSelectFamilyAttemptTimeout?: number;
  timeout?: number;
  noDelay?: boolean;
  keepAlive?: boolean;
  allowHalfOpen?: boolean;
  signal?: AbortSignal;
}

export type Listener = (...args: unknown[]) => void;

/** Node's own reading of its arguments. */
export function normalizeArguments(args: readonly unknown[]): [ConnectOptions, Listener | undefined] {
  const last = args.at(-1);
  const listener = typeof last === 'function' ? (last as Listener) : undefined;
  const [first, second] = args;
  if (typeof first === 'object' && first !== null) return [first as ConnectOptions, listener];
  if (typeof first === 'string' && !/^\d+$/.test(first)) return [{ path: first }, listener];
  const options: ConnectOptions = {};
  if (first !== undefined && typeof first !== 'function') options.port = first as number;
  if (typeof second === 'string') options.host = second;
  return [options, listener];
}

/** @throws RangeError or TypeError with Node's code */
export function checkPort(port: unknown): number {
  if (port === undefined) {
    const text = 'The "options" or "port" or "path" argument must be specified';
    throw invalidArgument(text, 'ERR_MISSING_ARGS');
  }
  if (typeof port !== 'number' && typeof port !== 'string') {
    throw invalidArgument('The "options.port" property must be of type number or string.', 'ERR_INVALID_ARG_TYPE');
  }
  const number = typeof port === 'string' && port.trim() === '' ? Number.NaN : Number(port);
  if (Number.isInteger(number) && number >= 0 && number <= 65_535) return number;
  const text = `Port should be >= 0 and < 65536. Received ${typeof port === 'string' ? `'${port}'` : port}.`;
  throw Object.assign(new RangeError(text), { code: 'ERR_SOCKET_BAD_PORT' });
}

/** A socket file is on the machine of whoever runs the host, and not for a Worker. */
export function refusePath(path: unknown): never {
  throw invalidArgument(
    `The property 'options.path' is not supported in a Worker: connect to a host and port. Received '${String(path)}'`,
  );
}

/** Whether several addresses are tried one after the other, as Node.js does unless told otherwise. */
export function triesAll({ autoSelectFamily = true, family, localAddress }: ConnectOptions): boolean {
  return autoSelectFamily && family !== 4 && family !== 6 && localAddress === undefined;
}

/** The order in which addresses are tried: families take turns, that of the first begins [RFC 8305 4]. */
export function inTurns(found: readonly LookedUp[]): LookedUp[] {
  const same = found.filter(({ family }) => family === found[0]!.family);
  const other = found.filter(({ family }) => family !== found[0]!.family);
  return found.flatMap((_, index) => [...same.slice(index, index + 1), ...other.slice(index, index + 1)]);
}

/** ASCII form of a host name; what is none comes back as it is, and does not resolve. */
export function toAsciiHost(host: string): string {
  // oxlint-disable-next-line no-control-regex
  if (/^[\x00-\x7f]*$/.test(host)) return host;
  try {
    return new URL(`http://${host}`).hostname;
  } catch {
    return host;
  }
}
