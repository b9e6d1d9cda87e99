// A WebSocket from the edge to an origin: the handshake is a request like others, then bytes are relayed as they are.
import { type ClientRequest, type IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { relay } from '../link/relay.ts';
import { TunnelError } from '../link/tunnel-error.ts';
import { answerError, toOriginError } from './answers.ts';
import { type Exchange, giveBack, toHostname, toRequestHeaders } from './forward.ts';
import { pairs, toEndToEnd } from './headers.ts';

/** A response on a connection that Node's server has handed over; the connection ends with it. */
/** Milliseconds one end of a WebSocket gets to answer the other's end. */
const lastWords = 2_000;

export function respondOn(socket: Duplex, request: IncomingMessage): ServerResponse {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket as Socket);
  response.once('finish', () => {
    response.detachSocket(socket as Socket);
    socket.end();
  });
  return response;
}

export interface WebSocketExchange extends Omit<Exchange, 'response'> {
  socket: Duplex;
  head: Buffer;
  /** The origin agreed. */
  opened(): void;
  /** It did not, or cannot be reached: makes the response there is instead. */
  respond(): ServerResponse;
}

export function forwardWebSocket(exchange: WebSocketExchange): void {
  const { request, socket, head, origin, host, failed, respond } = exchange;
  const gone = new AbortController();
  const headers = toRequestHeaders({ ...exchange, response: undefined as never }, [
    'Connection',
    'Upgrade',
    'Upgrade',
    'websocket',
  ]);
  const ask = { method: request.method ?? 'GET', path: request.url ?? '/', headers, host: toHostname(host) };
  let outgoing: ClientRequest;
  try {
    outgoing = origin.ask({ ...ask, signal: gone.signal });
  } catch (cause) {
    const error = new TunnelError('origin_protocol', (cause as Error).message, { cause });
    failed(error);
    answerError(respond(), error);
    return;
  }
  const left = (): void => {
    gone.abort(new Error('The client went away'));
    outgoing.destroy();
  };
  socket.once('close', left);
  outgoing.once('error', (cause) => {
    if (socket.destroyed) return;
    socket.off('close', left);
    const error = toOriginError(cause);
    failed(error);
    answerError(respond(), error);
  });
  outgoing.once('response', (incoming) => {
    giveBack(incoming, { request, response: respond(), failed });
  });
  outgoing.once('upgrade', (incoming, originSocket, originHead) => {
    socket.off('close', left);
    if (socket.destroyed) {
      originSocket.destroy();
      return;
    }
    exchange.opened();
    socket.write(toSwitch(incoming));
    if (head.length > 0) socket.unshift(head);
    if (originHead.length > 0) originSocket.unshift(originHead);
    if (originSocket instanceof Socket) originSocket.allowHalfOpen = true;
    relay(socket, originSocket);
    // A WebSocket has no half of it left: who ends it ends it for both [RFC 6455 7.1.1], after a moment for last words.
    for (const [one, other] of [
      [socket, originSocket],
      [originSocket, socket],
    ] as const) {
      one.once('end', () => {
        const timer = setTimeout(() => {
          one.destroy();
          other.destroy();
        }, lastWords);
        one.once('close', () => clearTimeout(timer));
      });
    }
  });
  outgoing.end();
}

function toSwitch({ rawHeaders }: IncomingMessage): string {
  const fields = [...pairs(toEndToEnd(rawHeaders, ['content-length', 'trailer']))].map(
    ([name, value]) => `${name}: ${value}`,
  );
  return ['HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', 'Upgrade: websocket', ...fields, '', ''].join(
    '\r\n',
  );
}
