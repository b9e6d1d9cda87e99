// A request that asks for another protocol. A WebSocket is joined to the Worker's when the Worker agrees; any other
// protocol is ignored, as HTTP allows [RFC 9110 7.8]. The answer is parsed, never piped blindly: a refused upgrade must
// not leave a client that speaks to the runtime behind the front's back.
import { type IncomingMessage, request, ServerResponse } from 'node:http';
import { type Duplex, pipeline } from 'node:stream';
import { relay } from '../gateway/relay.ts';
import type { BackendState } from './backend.ts';
import { sendBadRequest, sendFailure } from './failures.ts';
import { forward } from './forward.ts';
import { hasBody, toRequestHead, withoutHopByHop } from './request-head.ts';

/** An answer on a connection that left Node's HTTP server; it is the last one there. */
function answerOn(client: Duplex, incoming: IncomingMessage): ServerResponse {
  const response = new ServerResponse(incoming);
  response.shouldKeepAlive = false;
  response.assignSocket(client as never);
  response.once('finish', () => client.end(() => client.destroy()));
  client.resume();
  return response;
}

/** Calls `report` once, with the status of the answer (499: the client went before there was one). */
export async function upgrade(
  incoming: IncomingMessage,
  client: Duplex,
  head: Buffer,
  parts: { backend: BackendState; report: (status: number) => void },
): Promise<void> {
  const { backend } = parts;
  let reported = false;
  const report = (status: number): void => {
    if (!reported) parts.report(status);
    reported = true;
  };
  client.on('error', () => client.destroy());
  client.once('close', () => report(499));
  const answer = (): ServerResponse => {
    const response = answerOn(client, incoming);
    response.once('finish', () => report(response.statusCode));
    return response;
  };

  const requestHead = toRequestHead(incoming);
  if (requestHead === undefined || hasBody(incoming)) return sendBadRequest(answer());
  if (incoming.method !== 'GET' || incoming.headers.upgrade?.toLowerCase() !== 'websocket') {
    return forward(incoming, answer(), backend);
  }
  const runtime = await backend.acquire(client);
  if (runtime === undefined) return;
  if ('failure' in runtime) return sendFailure(answer(), 503, runtime.failure);
  client.once('close', runtime.release);
  const outgoing = request({
    socketPath: runtime.socketPath,
    agent: runtime.agent,
    path: requestHead.path,
    headers: [...requestHead.headers, 'Connection', 'Upgrade', 'Upgrade', 'websocket'] as unknown as Record<
      string,
      string
    >,
    setHost: false,
  });
  client.once('close', () => outgoing.destroy());
  outgoing.once('upgrade', (agreed, worker, workerHead) => {
    runtime.converse(worker);
    report(101);
    const lines = ['HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', 'Upgrade: websocket'];
    const fields = withoutHopByHop(agreed.rawHeaders);
    for (let index = 0; index < fields.length; index += 2) lines.push(`${fields[index]}: ${fields[index + 1]}`);
    client.write(`${lines.join('\r\n')}\r\n\r\n`);
    if (workerHead.byteLength > 0) client.write(workerHead);
    if (head.byteLength > 0) worker.write(head);
    relay(client, worker);
  });
  outgoing.once('response', (refusal) => {
    const response = answer();
    response.writeHead(refusal.statusCode ?? 502, refusal.statusMessage, withoutHopByHop(refusal.rawHeaders));
    pipeline(refusal, response, (error) => error && client.destroy());
  });
  outgoing.once('error', (error) => {
    if (reported || client.destroyed) return void client.destroy();
    sendFailure(answer(), 503, { title: 'The Worker did not answer', detail: error.message });
  });
  outgoing.end();
}
