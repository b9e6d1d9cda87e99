// One CONNECT from the edge: read the target, dial it, answer, relay.
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { Duplex } from 'node:stream';
import { LinkStream } from '../link/link-stream.ts';
import { detailHeader, errorHeader, kindHeader, maxDetail } from '../link/protocol.ts';
import { relay } from '../link/relay.ts';
import { toDialCode, type TunnelErrorCode } from '../link/tunnel-error.ts';

/** Connects to a target in the private network; rejects with an error whose `code` is one of ours, or the system's. */
export type DialTarget = (
  target: { hostname: string; port: number },
  options: { signal: AbortSignal },
) => Promise<Duplex>;

/** What a connector does with the streams of each kind. */
export interface Services {
  dial: DialTarget;
  /** Gets each stream of a public host name, which carries HTTP/1.1; without it there are none. */
  http?: ((stream: Duplex, hostname: string) => void) | undefined;
}

const authority = /^(?:\[([\da-f:.]+)\]|([^\s:[\]@/]{1,253})):(\d{1,5})$/i;

export async function serveConnect(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  { dial, http }: Services,
): Promise<void> {
  const { ':authority': target = '', [kindHeader]: kind = 'tcp' } = headers;
  const controller = new AbortController();
  const abort = (): void => controller.abort(new Error('The edge gave up'));
  stream.on('error', () => {});
  stream.once('close', abort);
  const [, ip, name, port] = authority.exec(target) ?? [];
  const hostname = ip ?? name;
  if (hostname === undefined || Number(port) < 1 || Number(port) > 65_535) {
    return refuse(stream, 'invalid_destination', target);
  }
  if (kind === 'http' && http !== undefined) {
    stream.off('close', abort);
    stream.respond({ ':status': 200 }, { waitForTrailers: true });
    return http(new LinkStream(stream), hostname);
  }
  if (kind !== 'tcp') return refuse(stream, 'unsupported_kind', String(kind));
  try {
    const origin = await dial({ hostname, port: Number(port) }, { signal: controller.signal });
    if (stream.destroyed || stream.closed) {
      origin.on('error', () => {}).destroy();
      return;
    }
    stream.off('close', abort);
    stream.respond({ ':status': 200 }, { waitForTrailers: true });
    relay(new LinkStream(stream), origin);
  } catch (error) {
    const { code, detail, message } = error as { code?: unknown; detail?: unknown; message?: unknown };
    refuse(stream, toDialCode(code), String(detail ?? message));
  }
}

function refuse(stream: ServerHttp2Stream, code: TunnelErrorCode, detail: string): void {
  if (stream.destroyed || stream.closed) return;
  const text = encodeURIComponent(Buffer.from(detail.slice(0, maxDetail)).toString());
  stream.respond({ ':status': 502, [errorHeader]: code, [detailHeader]: text }, { endStream: true });
  stream.resume();
}
