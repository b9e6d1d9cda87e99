// A request that asks for another protocol. A WebSocket is joined to the Worker's when the Worker agrees; any other
// protocol is ignored, as HTTP allows [RFC 9110 7.8]. The answer is parsed, never piped blindly: a refused upgrade must
// not leave a client that speaks to the runtime behind the front's back.
import { type IncomingMessage, request, ServerResponse } from 'node:http';
import { type Duplex, pipeline } from 'node:stream';
import { relay } from '../gateway/relay.ts';
import { sendBadRequest, sendFailure } from './failures.ts';
import { forward } from './forward.ts';
import { hasBody, toClientAddress, toHostname, toRequestHead, withoutHopByHop } from './request-head.ts';
import { writeHeadOf } from './response-head.ts';
import { type FindUpstream, noSuchHost } from './upstream.ts';

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
  parts: { findUpstream: FindUpstream; report: (status: number) => void },
): Promise<void> {
  const { findUpstream } = parts;
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
    return forward(incoming, answer(), findUpstream);
  }
  const upstream = findUpstream(toHostname(requestHead));
  const backend = upstream === undefined ? noSuchHost : await upstream.acquire(client);
  if (backend === undefined) return;
  if ('failure' in backend) return sendFailure(answer(), backend.status, backend.failure);
  client.once('close', backend.release);
  const outgoing = request({
    ...backend.target(requestHead.path),
    path: requestHead.path,
    headers: [
      ...backend.headers(requestHead.headers, toClientAddress(incoming)),
      'Connection',
      'Upgrade',
      'Upgrade',
      'websocket',
    ] as unknown as Record<string, string>,
    setHost: false,
  });
  outgoing.maxHeadersCount = 0;
  client.once('close', () => outgoing.destroy());
  outgoing.once('upgrade', (agreed, worker, workerHead) => {
    backend.converse(worker);
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
    writeHeadOf(refusal, response);
    pipeline(refusal, response, (error) => error && client.destroy());
  });
  const refuse = async (problem: Error): Promise<void> => {
    const refusal = await backend.explain(problem);
    if (client.destroyed) return;
    if (refusal === undefined) client.destroy();
    else sendFailure(answer(), refusal.status, refusal.failure);
  };
  outgoing.once('error', (error) => {
    if (reported || client.destroyed) return void client.destroy();
    void refuse(error);
  });
  outgoing.end();
}
