// The way into a running edge for a `sallyport dev --edge`: CONNECT at its control API, with its token. What an authority
// leads to there is in `edge-api.ts`.
import { type IncomingHttpHeaders, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import type { EdgeAccess } from '@sallyport/control/client';
import { EgressError, type EgressErrorCode, egressErrorCodes, toFailure } from '@sallyport/egress';

/** Names the virtual network, or the tunnel, of a CONNECT. */
export const networkHeader = 'sallyport-network';
export const tunnelHeader = 'sallyport-tunnel';
/** The code and remedy of a refused CONNECT, percent-encoded. */
export const refusalHeader = 'sallyport-refusal';

/** For who names an edge that is not there. */
export const awayRemedy = 'Start that edge (`sallyport edge` or `sallyport dev` there), or correct --edge.';

export interface EdgeConnection {
  /** Half-open, and read by nobody yet; what came behind the answer is in front. */
  stream: Socket;
  headers: IncomingHttpHeaders;
}

/** The edge answered, and would not connect. */
export class EdgeRefusal extends Error {
  override readonly name = 'EdgeRefusal';
  readonly statusCode: number | undefined;
  readonly headers: IncomingHttpHeaders;

  constructor(statusCode: number | undefined, headers: IncomingHttpHeaders) {
    super(`the edge answered ${statusCode}`);
    this.statusCode = statusCode;
    this.headers = headers;
  }
}

/** Rejects with an `EdgeRefusal`, or with the system's error when nobody answers. */
export function connectEdge(
  { url, token }: EdgeAccess,
  authority: string,
  { headers, signal }: { headers?: Record<string, string>; signal?: AbortSignal | undefined } = {},
): Promise<EdgeConnection> {
  return new Promise((resolve, reject) => {
    const send = url.startsWith('https:') ? httpsRequest : httpRequest;
    const asked = send(url, {
      method: 'CONNECT',
      path: authority,
      headers: { 'proxy-authorization': `Bearer ${token}`, ...headers },
      agent: false,
      ...(signal === undefined ? {} : { signal }),
    });
    asked.once('error', reject);
    // A server that takes no CONNECT, as of a URL that is not the control API's.
    asked.once('response', ({ statusCode, headers: answer }) => {
      reject(new EdgeRefusal(statusCode, answer));
      asked.destroy();
    });
    asked.once('connect', ({ statusCode, headers: answer }, stream: Socket, head) => {
      if (statusCode !== 200) {
        stream.destroy();
        return reject(new EdgeRefusal(statusCode, answer));
      }
      stream.setNoDelay(true);
      stream.allowHalfOpen = true;
      stream.on('error', () => {});
      if (head.length > 0) stream.unshift(head);
      resolve({ stream, headers: answer });
    });
    asked.end();
  });
}

/** In the words of egress: the edge's refusal; what cannot be read is only a failure. */
export function toEdgeError(cause: unknown, { url, port }: { url: string; port: number }): EgressError {
  if (!(cause instanceof EdgeRefusal)) {
    const detail = `the edge at ${url} did not answer: ${(cause as Error).message}`;
    return new EgressError({ ...toFailure('tunnel_unavailable', { port, detail }), remedy: awayRemedy }, { cause });
  }
  const { code: said, detail = cause.message, remedy } = readRefusal(cause.headers[refusalHeader]);
  const code: EgressErrorCode = egressErrorCodes.find((known) => known === said) ?? 'connection_failed';
  const failure = toFailure(code, { port, detail });
  return new EgressError(remedy ? { ...failure, remedy } : failure, { cause });
}

function readRefusal(header: string | string[] | undefined): { code?: string; detail?: string; remedy?: string } {
  try {
    return JSON.parse(decodeURIComponent(String(header))) as object;
  } catch {
    return {};
  }
}
