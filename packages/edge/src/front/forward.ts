// One request on its way to the runtime and its answer back: streaming both ways, backpressure included.
import { type IncomingMessage, request, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream';
import type { BackendState } from './backend.ts';
import { isExceptionAnswer, sendBadRequest, sendFailure } from './failures.ts';
import { hasBody, toRequestHead, withoutHopByHop } from './request-head.ts';
import { isTrigger } from './triggers.ts';

/** Never rejects: what goes wrong is the answer. */
export async function forward(
  incoming: IncomingMessage,
  response: ServerResponse,
  backend: BackendState,
): Promise<void> {
  incoming.on('error', () => {});
  const head = toRequestHead(incoming);
  if (head === undefined) return sendBadRequest(response);
  const runtime = await backend.acquire(response);
  if (runtime === undefined) return;
  if ('failure' in runtime) return sendFailure(response, 503, runtime.failure);
  const startedAt = performance.now();
  const outgoing = request({
    socketPath: isTrigger(head.path) ? runtime.triggersSocketPath : runtime.socketPath,
    agent: runtime.agent,
    method: incoming.method,
    path: head.path,
    headers: head.headers as unknown as Record<string, string>,
    setHost: false,
  });
  let answered = false;
  /** The Worker may answer before it has read the body, or without reading it: the rest of it is dropped. */
  const dropBody = (): void => {
    incoming.unpipe(outgoing);
    incoming.resume();
  };
  const explain = async (otherwise: () => void): Promise<void> => {
    const exception = await backend.exceptionSince(startedAt);
    if (response.destroyed) return;
    if (exception === undefined) otherwise();
    else sendFailure(response, 500, { title: 'The Worker threw an exception', detail: exception });
  };
  response.once('close', () => {
    runtime.release();
    outgoing.destroy();
  });
  outgoing.once('response', (answer) => {
    answered = true;
    const pass = (): void => {
      response.writeHead(answer.statusCode ?? 502, answer.statusMessage, withoutHopByHop(answer.rawHeaders));
      pipeline(answer, response, () => {});
    };
    if (isExceptionAnswer(answer)) void explain(pass);
    else pass();
  });
  outgoing.on('error', (error) => {
    dropBody();
    // An answer that has begun ends by itself, or breaks off and says so.
    if (answered || response.destroyed) return;
    answered = true;
    const failure = { title: 'The Worker did not answer', detail: error.message };
    void explain(() => sendFailure(response, 503, failure));
  });
  outgoing.once('close', dropBody);
  if (hasBody(incoming)) incoming.pipe(outgoing);
  else outgoing.end();
}
