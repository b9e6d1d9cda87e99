// Answers of the edge itself, when there is none of the Worker: as a page for a browser, as text for everybody else.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { errorPage, type Failure } from './error-page.ts';

export function sendFailure(response: ServerResponse, status: number, failure: Failure): void {
  const html = /\btext\/html\b/.test(response.req.headers.accept ?? '');
  response.writeHead(status, { 'content-type': `${html ? 'text/html' : 'text/plain'}; charset=utf-8` });
  response.end(html ? errorPage(failure) : `${failure.title}\n\n${failure.detail}\n`);
}

/** The head cannot be passed on. */
export function sendBadRequest(response: ServerResponse): void {
  response.shouldKeepAlive = false;
  sendFailure(response, 400, {
    title: 'Bad request',
    detail: 'A request needs a path (or an http URL) and exactly one valid Host.',
  });
}

/** True for the answer workerd gives for a handler that threw: a bare text, unlike whatever a Worker makes. */
export function isExceptionAnswer({ statusCode, headers }: IncomingMessage): boolean {
  return (
    statusCode === 500 &&
    headers['content-type'] === undefined &&
    headers['content-length'] === '21' &&
    headers.connection === 'close'
  );
}
