// One request on its way to whoever answers it and the answer back: streaming both ways, backpressure included.
import { type IncomingMessage, type OutgoingMessage, request, type ServerResponse } from 'node:http';
import { flowWhole } from '../gateway/flow.ts';
import { sendBadRequest, sendFailure } from './failures.ts';
import { hasBody, toClientAddress, toHostname, toPairs, toRequestHead } from './request-head.ts';
import { writeHeadOf } from './response-head.ts';
import { type FindUpstream, noSuchHost } from './upstream.ts';

/** Never rejects: what goes wrong is the answer. */
export async function forward(
  incoming: IncomingMessage,
  response: ServerResponse,
  findUpstream: FindUpstream,
): Promise<void> {
  incoming.on('error', () => {});
  const head = toRequestHead(incoming);
  if (head === undefined) return sendBadRequest(response);
  const upstream = findUpstream(toHostname(head));
  const backend = upstream === undefined ? noSuchHost : await upstream.acquire(response);
  if (backend === undefined) return;
  if ('failure' in backend) return sendFailure(response, backend.status, backend.failure);
  const outgoing = request({
    ...backend.target(head.path),
    method: incoming.method,
    path: head.path,
    headers: backend.headers(head.headers, toClientAddress(incoming)) as unknown as Record<string, string>,
    setHost: false,
  });
  outgoing.maxHeadersCount = 0;
  let answered = false;
  /** The Worker may answer before it has read the body, or without reading it: the rest of it is dropped. */
  const dropBody = (): void => {
    incoming.unpipe(outgoing);
    incoming.resume();
  };
  response.once('close', () => {
    backend.release();
    outgoing.destroy();
  });
  const refuse = async (problem: Error | IncomingMessage, otherwise: () => void): Promise<void> => {
    const refusal = await backend.explain(problem);
    if (response.destroyed) return;
    if (refusal === undefined) otherwise();
    else sendFailure(response, refusal.status, refusal.failure);
  };
  outgoing.once('response', (answer) => {
    answered = true;
    void refuse(answer, () => {
      writeHeadOf(answer, response);
      passTrailers(answer, response);
      flowWhole(answer, response);
    });
  });
  outgoing.on('error', (error) => {
    dropBody();
    // An answer that has begun ends by itself, or breaks off and says so.
    if (answered || response.destroyed) return;
    answered = true;
    void refuse(error, () => response.destroy());
  });
  outgoing.once('close', () => {
    dropBody();
    // An upgrade that nobody asked for ends the request without an error.
    if (answered || response.destroyed) return;
    answered = true;
    void refuse(new Error('It ended the request without an answer.'), () => response.destroy());
  });
  passTrailers(incoming, outgoing);
  if (hasBody(incoming)) incoming.pipe(outgoing);
  else outgoing.end();
}

/** Fields behind a body in chunks [RFC 9110 6.5]; to be called before the body is piped, so that they come before its end. */
function passTrailers(from: IncomingMessage, to: OutgoingMessage): void {
  from.once('end', () => {
    const { rawTrailers } = from;
    if (rawTrailers.length > 0) to.addTrailers(toPairs(rawTrailers) as unknown as Record<string, string>);
  });
}
