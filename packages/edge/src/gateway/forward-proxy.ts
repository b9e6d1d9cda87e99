// `fetch()` from a Worker: requests in absolute form, http and https, streaming both ways, and WebSocket upgrades.
//
// The body is never collected and the response's bytes are passed on as they are. Host is made from the URL, because the
// runtime's proxy-style requests carry none.
import { type ClientRequest, type IncomingMessage, request, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Decision, Egress } from '@sallyport/egress';
import type { FindTrust } from '@sallyport/sockets/internal';
import { decisionBehind, EgressAgent, fromRequestError, type TrustedRequest } from './egress-agent.ts';
import { codeOf, decisionOf, reasonOf, Refusal } from './egress-dial.ts';
import type { OnGatewayEvent } from './events.ts';
import { flowWhole } from './flow.ts';
import { endToEnd, ownHeader, toHead, writeHeadOf } from './forwarded-head.ts';
import { type HttpFailure, toHttpFailure } from './http-errors.ts';
import { relay } from './relay.ts';

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS']);

export interface ForwardProxy {
  /** Answers one request. */
  forward(incoming: IncomingMessage, response: ServerResponse): void;
  /** Answers one request for an upgraded connection. */
  upgrade(incoming: IncomingMessage, client: Duplex, head: Buffer): void;
  /** Ends idle connections now, and those in use when they fall idle: nothing new will come. */
  retire(): void;
  close(): void;
}

/** Where a request goes, and what the log calls that. */
export interface Place {
  port: number;
  destination: string;
}

export interface ForwardProxyParts {
  egress: Egress;
  findTrust: FindTrust;
  onEvent: OnGatewayEvent;
  /** Throws for a URL that is refused. Default: where the URL says. */
  locate?: (url: URL) => Place;
  /** What the log is told beyond, or instead of, the error's own code and remedy. */
  explain?: ((error: unknown, kind: 'fetch' | 'websocket') => { code: string; remedy: string }) | undefined;
  /** The way leads to another such proxy, which is asked for whole URLs and whose own answers pass. Names a lost connection. */
  onward?: { toLost: (error: Error) => Error } | undefined;
  /** Default: the status Cloudflare's edge has for the same cause. */
  toFailure?: ((error: unknown, kind: 'fetch' | 'websocket') => HttpFailure) | undefined;
}

export function createForwardProxy(parts: ForwardProxyParts): ForwardProxy {
  const { egress, findTrust, onEvent, onward, locate = toPlace, toFailure = toHttpFailure } = parts;
  const plain = new EgressAgent({ egress, findTrust, secure: false });
  const secure = new EgressAgent({ egress, findTrust, secure: true });

  const passesOwn = onward !== undefined;
  const toCause = (error: Error, stream: Duplex | null): Error =>
    onward === undefined ? fromRequestError(error, stream) : onward.toLost(error);

  function start(incoming: IncomingMessage, url: URL, headers: string[]): ClientRequest {
    const agent = onward === undefined && url.protocol === 'https:' ? secure : plain;
    const { port } = locate(url);
    const trusted: TrustedRequest = { trust: agent.trustFor({ hostname: url.hostname, port }) };
    const outgoing = request({
      ...trusted,
      agent,
      // Of another proxy any connection is as good.
      host: onward === undefined ? url.hostname : 'onward',
      port: onward === undefined ? port : 1,
      method: incoming.method,
      path: (onward === undefined ? '' : url.origin) + url.pathname + url.search,
      headers: ['Host', url.host, ...headers] as unknown as Record<string, string>,
      setHost: false,
    });
    outgoing.maxHeadersCount = 0;
    return outgoing;
  }

  function reporter(incoming: IncomingMessage, url: URL, kind: 'fetch' | 'websocket') {
    const startedAt = performance.now();
    const toDestination = (): string => {
      try {
        return locate(url).destination;
      } catch {
        return url.host;
      }
    };
    return (outcome: { status?: number; error?: unknown; decision?: Decision | undefined }): void => {
      const { status, error } = outcome;
      const took = performance.now() - startedAt;
      // The answer first: whoever waits for it does not wait for a line of the log.
      setImmediate(() =>
        onEvent({
          kind,
          destination: toDestination(),
          decision: outcome.decision ?? decisionOf(error),
          code: codeOf(error),
          message: error instanceof Error ? error.message : undefined,
          ...reasonOf(error),
          ...(error === undefined || parts.explain === undefined ? {} : parts.explain(error, kind)),
          took,
          secure: url.protocol === 'https:',
          method: incoming.method ?? 'GET',
          ...(status === undefined ? {} : { status }),
        }),
      );
    };
  }

  return {
    forward(incoming, response) {
      const url = toTarget(incoming.url);
      if (url === undefined) return refuseForm(response);
      const report = reporter(incoming, url, 'fetch');
      const body = hasBody(incoming);
      let outgoing: ClientRequest | undefined;
      let answered = false;
      const failed = (error: unknown): void => {
        if (answered || response.destroyed) return void response.destroy();
        answered = true;
        report({ error });
        incoming.unpipe();
        incoming.resume();
        fail(response, toFailure(error, 'fetch'));
      };
      const send = (): void => {
        try {
          outgoing = start(incoming, url, endToEnd(incoming.rawHeaders, body));
        } catch (error) {
          return failed(error);
        }
        const current = outgoing;
        current.on('response', (answer) => {
          answered = true;
          report({ status: answer.statusCode ?? 0, decision: decisionBehind(current.socket) });
          writeHeadOf(answer, response, { passesOwn });
          flowWhole(answer, response);
        });
        current.on('error', (error) => {
          // Nobody waits: destroying the request is what broke it.
          if (response.destroyed) return;
          // The origin closed an idle connection just as it was used again [RFC 9110 9.2.2].
          const { reusedSocket } = current;
          if (!answered && !body && reusedSocket && safeMethods.has(incoming.method ?? '') && isReset(error)) send();
          else failed(toCause(error, current.socket));
        });
        // An upgrade that nobody asked for ends the request without an error.
        current.on('close', () => {
          if (!answered && current === outgoing)
            failed(toCause(new Error('it ended without an answer'), current.socket));
        });
        if (body) incoming.pipe(current);
        else current.end();
      };
      send();
      response.on('close', () => {
        if (!answered) report({ error: toAborted(), decision: decisionBehind(outgoing?.socket) });
        answered = true;
        outgoing?.destroy();
      });
    },

    upgrade(incoming, client, head) {
      client.on('error', () => client.destroy());
      const response = new ServerResponse(incoming);
      // Whatever is answered instead of an upgrade is the last thing said on this connection.
      const refuse = (answer: () => void): void => {
        if (client.destroyed) return;
        response.shouldKeepAlive = false;
        response.assignSocket(client as never);
        response.once('finish', () => client.end(() => client.destroy()));
        client.resume();
        answer();
      };
      const url = toTarget(incoming.url);
      // A length that is passed on without its bytes would make the next request its body.
      if (url === undefined || hasBody(incoming)) return refuse(() => refuseForm(response));
      const report = reporter(incoming, url, 'websocket');
      const headers = endToEnd(incoming.rawHeaders, false);
      const protocol = incoming.headers.upgrade ?? 'websocket';
      let outgoing: ClientRequest;
      try {
        outgoing = start(incoming, url, [...headers, 'Connection', 'Upgrade', 'Upgrade', protocol]);
      } catch (error) {
        report({ error });
        return refuse(() => fail(response, toFailure(error, 'websocket')));
      }
      client.once('close', () => outgoing.destroy());
      // One that has said more already may have said all.
      const stopLooking = head.byteLength > 0 ? () => {} : onceEnded(client, () => client.destroy());
      outgoing.on('upgrade', (answer, origin, originHead) => {
        stopLooking();
        report({ status: 101, decision: decisionBehind(origin) });
        origin.allowHalfOpen = true;
        client.write(toHead(answer), 'latin1');
        if (originHead.byteLength > 0) client.write(originHead);
        if (head.byteLength > 0) origin.write(head);
        relay(client, origin);
      });
      outgoing.on('response', (answer) => {
        stopLooking();
        report({ status: answer.statusCode ?? 0, decision: decisionBehind(outgoing.socket) });
        refuse(() => {
          writeHeadOf(answer, response, { passesOwn });
          response.once('close', () => response.writableFinished || client.destroy());
          flowWhole(answer, response);
        });
      });
      outgoing.on('error', (cause) => {
        stopLooking();
        if (response.headersSent) return void client.destroy();
        const error = client.destroyed ? toAborted() : toCause(cause, outgoing.socket);
        report({ error });
        refuse(() => fail(response, toFailure(error, 'websocket')));
      });
      outgoing.end();
    },

    retire() {
      plain.retire();
      secure.retire();
    },

    close() {
      plain.destroy();
      secure.destroy();
    },
  };
}

/** An absolute http or https URL; anything else is not a proxy request. */
function toTarget(text: string | undefined): URL | undefined {
  try {
    const url = new URL(text ?? '');
    return url.protocol === 'http:' || url.protocol === 'https:' ? url : undefined;
  } catch {
    return undefined;
  }
}

function toPlace({ host, port, protocol }: URL): Place {
  return { port: Number(port) || (protocol === 'https:' ? 443 : 80), destination: host };
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';
}

/** Tells when a client whose bytes nobody takes yet has gone. Its first bytes hide that, and stay. */
function onceEnded(client: Duplex, gone: () => void): () => void {
  const look = (): void => {
    if (client.readableLength === 0) client.read();
  };
  client.on('readable', look).once('end', gone);
  return () => void client.off('readable', look).off('end', gone);
}

/** Which of these it was cannot be seen here: each of them only closes the connection. */
function toAborted(): Refusal {
  const cause = "the Worker's signal fired, the Worker's own client left, or the Worker was stopped";
  const remedy =
    'If it should have waited: give the signal or the client more time, or see why the service takes so long.';
  return new Refusal('aborted', `It was ended before there was an answer: ${cause}`, remedy);
}

function isReset(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return code === 'ECONNRESET' || code === 'EPIPE';
}

function refuseForm(response: ServerResponse): void {
  response.writeHead(400, { 'content-type': 'text/plain', connection: 'close' });
  response.end('This is a gateway: requests need an absolute http or https URL, and upgrades have no body.\n');
}

function fail(response: ServerResponse, { status, code, body }: HttpFailure): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', [ownHeader]: code });
  response.end(body);
}
