// The head of an answer as the client gets it. Who answers may be a tenant's Worker, or a connector that is not ours:
// Node's parser takes status codes and reasons that its server throws at.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { withoutHopByHop } from './request-head.ts';

/** What a reason may not hold [RFC 9112 4]. */
const forbidden = /[^\t\x20-\x7e\x80-\xff]/g;

export function writeHeadOf(answer: IncomingMessage, response: ServerResponse): void {
  const { statusCode = 0, statusMessage = '', rawHeaders } = answer;
  const status = statusCode >= 200 && statusCode <= 999 ? statusCode : 502;
  response.writeHead(status, statusMessage.replaceAll(forbidden, ''), withoutHopByHop(rawHeaders));
}
