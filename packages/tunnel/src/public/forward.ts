// One HTTP request from the edge to an origin and its response back, as they come: nothing is held back, nothing is
// limited, backpressure works both ways, and what breaks on one side is broken off on the other.
import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import { TunnelError } from '../link/tunnel-error.ts';
import { answerError, toOriginError } from './answers.ts';
import { toEndToEnd, toTrailers } from './headers.ts';
import type { HttpOrigin } from './http-origin.ts';

/** Bytes of a chunked request that are put together when the origin takes no chunks (`disableChunkedEncoding`). */
export const maxUnchunked: number = 1024 * 1024;

/** How often a request without a body is sent again because an idle connection turned out to be dead. */
const maxRetries = 3;

/** Methods that may be sent twice [RFC 9110 9.2.2]. */
const idempotent: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

export interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  origin: HttpOrigin;
  /** `Host` of the request. */
  host: string;
  failed(error: TunnelError): void;
}

export async function forward(exchange: Exchange): Promise<void> {
  const { request, response, origin } = exchange;
  const chunked = request.headers['transfer-encoding'] !== undefined;
  // An origin may answer before it has read everything; what is left over must not block the next request.
  response.once('finish', () => request.resume());
  if (!chunked || !origin.rule.originRequest.disableChunkedEncoding) {
    const length = framing(request, chunked);
    if (hasNoBody(length)) request.resume();
    return send(exchange, length, (outgoing) => (hasNoBody(length) ? outgoing.end() : request.pipe(outgoing)));
  }
  const body = await collect(request).catch(() => undefined);
  if (response.destroyed) return;
  if (body === undefined) {
    const error = new TunnelError('origin_protocol', `a chunked body of more than ${maxUnchunked} bytes`);
    exchange.failed(error);
    return answerError(response, error, 411);
  }
  send(exchange, ['Content-Length', String(body.length)], (outgoing) => outgoing.end(body));
}

/** The body's length as the parser understood it, never as a header said it. */
function framing({ headers, method = '' }: IncomingMessage, chunked: boolean): string[] {
  if (chunked) return ['Transfer-Encoding', 'chunked'];
  const length = headers['content-length'] ?? (['POST', 'PUT', 'PATCH'].includes(method) ? '0' : undefined);
  return length === undefined ? [] : ['Content-Length', length];
}

async function collect(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxUnchunked) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The header of the request to the origin; `length` is its framing. */
export function toRequestHeaders({ request, origin, host }: Omit<Exchange, 'failed'>, length: string[]): string[] {
  const { httpHostHeader } = origin.rule.originRequest;
  const replaced = httpHostHeader === '' ? [] : ['x-forwarded-host'];
  const named = httpHostHeader === '' ? ['Host', host] : ['Host', httpHostHeader, 'X-Forwarded-Host', host];
  const takesTrailers = /(?:^|,)\s*trailers\s*(?:,|$)/i.test(String(request.headers['te'] ?? ''));
  const rest = toEndToEnd(request.rawHeaders, ['host', 'content-length', 'expect', ...replaced]);
  const expects = request.headers.expect === undefined ? [] : ['Expect', '100-continue'];
  return [...named, ...rest, ...(takesTrailers ? ['TE', 'trailers'] : []), ...expects, ...length];
}

function send(exchange: Exchange, length: string[], body: (outgoing: ClientRequest) => unknown, retries = 0): void {
  const { request, response, origin, host } = exchange;
  const { method = 'GET', url = '/' } = request;
  const gone = new AbortController();
  let outgoing: ClientRequest;
  try {
    const headers = toRequestHeaders(exchange, length);
    outgoing = origin.ask({ method, path: url, headers, host: toHostname(host), signal: gone.signal });
  } catch (cause) {
    fail(new TunnelError('origin_protocol', (cause as Error).message, { cause }));
    return;
  }
  const left = (): void => {
    if (response.writableFinished) return;
    gone.abort(new Error('The client went away'));
    outgoing.destroy();
  };
  response.once('close', left);
  let answered = false;
  outgoing.once('error', (error: NodeJS.ErrnoException) => {
    if (answered || response.destroyed) return;
    answered = true;
    response.off('close', left);
    const dead = outgoing.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
    if (dead && retries < maxRetries && idempotent.has(method) && hasNoBody(length)) {
      send(exchange, length, body, retries + 1);
    } else fail(toOriginError(error));
  });
  outgoing.on('continue', () => !response.headersSent && response.writeContinue());
  outgoing.on('information', ({ statusCode, headers }) => {
    if (statusCode === 103 && headers['link'] !== undefined) {
      response.writeEarlyHints(headers as Record<string, string | string[]>);
    } else if (statusCode === 102) response.writeProcessing();
  });
  outgoing.once('response', (incoming) => {
    answered = true;
    giveBack(incoming, exchange);
  });
  outgoing.once('close', () => {
    // An upgrade that nobody asked for ends the request without an error.
    if (answered || response.destroyed) return;
    response.off('close', left);
    fail(new TunnelError('origin_protocol', 'it changed the protocol though nobody asked'));
  });
  request.once('end', () => {
    const trailers = toTrailers(request.rawTrailers);
    if (trailers.length > 0 && !outgoing.destroyed) outgoing.addTrailers(trailers);
  });
  body(outgoing);

  function fail(error: TunnelError): void {
    exchange.failed(error);
    answerError(response, error);
  }
}

const hasNoBody = (length: readonly string[]): boolean => length.length === 0 || length[1] === '0';

/** Sends the origin's response on, header first. */
export function giveBack(
  incoming: IncomingMessage,
  { request, response, failed }: Omit<Exchange, 'origin' | 'host'>,
): void {
  const { statusCode = 502, statusMessage = '', rawHeaders } = incoming;
  const sized = incoming.headers['content-length'] !== undefined || request.method === 'HEAD';
  response.sendDate = false;
  try {
    response.writeHead(statusCode, statusMessage, toEndToEnd(rawHeaders, sized ? ['trailer'] : []));
    response.flushHeaders();
  } catch (cause) {
    incoming.destroy();
    const error = new TunnelError('origin_protocol', (cause as Error).message, { cause });
    failed(error);
    answerError(response, error);
    return;
  }
  incoming.once('end', () => {
    if (!sized) response.addTrailers(toTrailers(incoming.rawTrailers));
    response.end();
  });
  incoming.once('close', () => {
    if (incoming.complete) return;
    const error = new TunnelError('connection_reset', 'the origin broke its response off');
    failed(error);
    response.destroy(error);
  });
  incoming.on('error', () => {});
  incoming.pipe(response, { end: false });
}

/** The name in a `Host` field. */
export function toHostname(host: string): string {
  return host.replace(/:\d*$/, '').replace(/^\[(.*)\]$/, '$1');
}
