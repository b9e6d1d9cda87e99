// One CONNECT from the edge: read the target, dial it, answer, relay.
import { isIP } from 'node:net';
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { Duplex } from 'node:stream';
import { LinkStream } from '../link/link-stream.ts';
import { detailHeader, errorHeader, kindHeader, maxDetail, maxResolvers, resolversHeader } from '../link/protocol.ts';
import { relay } from '../link/relay.ts';
import { toDialCode, TunnelError, type TunnelErrorCode } from '../link/tunnel-error.ts';

/** Connects to a target in the private network; rejects with an error whose `code` is one of ours, or the system's. */
export type DialTarget = (
  target: {
    hostname: string;
    port: number;
    /** DNS servers to ask for the name, instead of one's own. */
    resolvers?: readonly string[] | undefined;
  },
  options: { signal: AbortSignal },
) => Promise<Duplex>;

/** What a connector does with the streams of each kind. */
export interface Services {
  dial: DialTarget;
  /** Gets each stream of a public host name, which carries HTTP/1.1; without it there are none. */
  http?: ((stream: Duplex, hostname: string) => void) | undefined;
}

const authority = /^(?:\[([\da-f:.]+)\]|([^\s:[\]@/]{1,253})):(\d{1,5})$/i;

/** Serves one stream; `served` is called once its origin, or the handler of its kind, is done with it. */
export async function serveConnect(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  { dial, http }: Services,
  served: () => void,
): Promise<void> {
  const { ':authority': target = '', [kindHeader]: kind = 'tcp' } = headers;
  stream.on('error', () => {});
  const [, ip, name, port] = authority.exec(target) ?? [];
  const hostname = ip ?? name;
  const refused = (code: TunnelErrorCode, detail: string): void => {
    refuse(stream, code, detail);
    served();
  };
  if (hostname === undefined || Number(port) < 1 || Number(port) > 65_535) {
    return refused('invalid_destination', target);
  }
  if (kind === 'http' && http !== undefined) {
    stream.respond({ ':status': 200 }, { waitForTrailers: true });
    const plain = new LinkStream(stream);
    plain.once('close', served);
    return http(plain, hostname);
  }
  if (kind !== 'tcp') return refused('unsupported_kind', String(kind));
  const controller = new AbortController();
  const abort = (): void => controller.abort(new Error('The edge gave up'));
  stream.once('close', abort);
  try {
    const resolvers = toResolvers(headers[resolversHeader]);
    const origin = await dial({ hostname, port: Number(port), resolvers }, { signal: controller.signal });
    origin.once('close', served);
    if (stream.destroyed || stream.closed) {
      origin.on('error', () => {}).destroy();
      return;
    }
    stream.off('close', abort);
    stream.respond({ ':status': 200 }, { waitForTrailers: true });
    relay(new LinkStream(stream), origin);
  } catch (error) {
    const { code, detail, message } = error as { code?: unknown; detail?: unknown; message?: unknown };
    refused(toDialCode(code), String(detail ?? message));
  }
}

/** Undefined when none are named. @throws TunnelError */
function toResolvers(value: string | string[] | undefined): readonly string[] | undefined {
  if (value === undefined) return undefined;
  const servers = String(value).split(',');
  if (servers.length <= maxResolvers && servers.every((server) => isIP(server) !== 0)) return servers;
  throw new TunnelError('invalid_destination', 'the DNS servers named are no addresses');
}

function refuse(stream: ServerHttp2Stream, code: TunnelErrorCode, detail: string): void {
  if (stream.destroyed || stream.closed) return;
  const text = encodeURIComponent(Buffer.from(detail.slice(0, maxDetail)).toString());
  stream.respond({ ':status': 502, [errorHeader]: code, [detailHeader]: text }, { endStream: true });
  stream.resume();
}
