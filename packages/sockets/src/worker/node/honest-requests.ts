// `node:http` is the runtime's own, over its `fetch()`, whose failures are responses. A program that uses `node:http` waits
// for `error`: a response that the gateway made in place of an origin's becomes one. The gateway lets no origin's pass for it.
import { isSocketErrorCode, SocketError } from '../../socket-error.ts';
import { fromSocketError, type Peer, toNodeError } from './node-errors.ts';
import { checkRequestArguments, unusedOf } from './request-arguments.ts';

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

/** Starts a request that emits `error` where Node's would. */
export function startHonest<Given extends Request>(
  start: (...args: unknown[]) => Given,
  given: readonly unknown[],
): Given {
  checkRequestArguments(given);
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
