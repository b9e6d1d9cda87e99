// Heads of requests and answers on their way through the gateway: what concerns one connection only stays behind
// [RFC 9110 7.6.1].
import type { IncomingMessage, ServerResponse } from 'node:http';

const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authorization',
  'proxy-authenticate',
  'te',
  'transfer-encoding',
  'upgrade',
  'host',
]);

/** Marks an answer as ours and not an origin's, so no origin's passes. */
export const ownHeader = 'sallyport-error';

/** The fields that travel on. A body without a length needs its chunked framing said again. */
export function endToEnd(rawHeaders: string[], mayBeChunked: boolean): string[] {
  const named = new Set<string>();
  const kept: string[] = [];
  let chunked = false;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!.toLowerCase();
    if (name === 'connection')
      for (const option of rawHeaders[index + 1]!.split(',')) named.add(option.trim().toLowerCase());
    if (name === 'transfer-encoding') chunked = true;
  }
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!.toLowerCase();
    // The length frames the body: without it the body would be read as the next request.
    const framing = name === 'content-length';
    if (framing || (!hopByHop.has(name) && !named.has(name))) kept.push(rawHeaders[index]!, rawHeaders[index + 1]!);
  }
  return chunked && mayBeChunked ? [...kept, 'Transfer-Encoding', 'chunked'] : kept;
}

/** What an origin says in words, without the characters that HTTP forbids there. */
const toReason = (text = ''): string => text.replaceAll(/[^\t\x20-\x7e\x80-\xff]/g, '');

/** The origin's status and fields. What another gateway of ours says passes with its mark. */
export function writeHeadOf(
  { statusCode = 0, statusMessage = '', rawHeaders }: IncomingMessage,
  response: ServerResponse,
  { passesOwn = false }: { passesOwn?: boolean } = {},
): void {
  const status = statusCode >= 200 && statusCode <= 999 ? statusCode : 502;
  const fields = endToEnd(rawHeaders, false);
  response.writeHead(status, toReason(statusMessage), passesOwn ? fields : withoutOwn(fields));
}

const isOwn = (name: string): boolean => name.toLowerCase() === ownHeader;

function withoutOwn(fields: string[]): string[] {
  if (!fields.some((field, index) => index % 2 === 0 && isOwn(field))) return fields;
  return fields.filter((_, index) => !isOwn(fields[index - (index % 2)]!));
}

export function toHead({ statusCode, statusMessage, rawHeaders }: IncomingMessage): string {
  const fields = withoutOwn(rawHeaders);
  const lines = [`HTTP/1.1 ${statusCode} ${toReason(statusMessage)}`];
  for (let index = 0; index < fields.length; index += 2) lines.push(`${fields[index]}: ${fields[index + 1]}`);
  return `${lines.join('\r\n')}\r\n\r\n`;
}
