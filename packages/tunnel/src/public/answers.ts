// Answers of the connector itself: errors, fixed statuses, the greeting. They name code and remedy, and no address of the
// private network; those are in the log.
import { type ServerResponse, STATUS_CODES } from 'node:http';
import { TunnelError, toDialCode } from '../link/tunnel-error.ts';

/** Tells the edge and scripts which of our errors an answer is. */
export const errorHeader = 'Sallyport-Error';

/** Answers with an error page, or breaks the connection off when the answer has begun. */
export function answerError(response: ServerResponse, error: TunnelError, status = 502): void {
  if (response.headersSent || response.destroyed) {
    response.destroy(error);
    return;
  }
  const page = `${status} ${STATUS_CODES[status] ?? ''}\n\n${toTitle(error)} (${error.code}).\n${error.remedy}\n`;
  answerText(response, { status, text: page, fields: [errorHeader, error.code] });
}

export function answerText(
  response: ServerResponse,
  {
    status,
    text,
    type = 'text/plain',
    fields = [],
  }: { status: number; text: string; type?: string; fields?: string[] },
): void {
  const body = Buffer.from(text);
  const length = ['Content-Length', String(body.length)];
  const described = ['Content-Type', `${type}; charset=utf-8`, 'X-Content-Type-Options', 'nosniff', ...fields];
  response.sendDate = true;
  response.writeHead(status, [...described, ...length]);
  response.end(body);
}

/** `http_status:NNN`: the status, and nothing else. */
export function answerStatus(response: ServerResponse, status: number): void {
  const bodyless = status === 204 || status === 304;
  response.writeHead(status, bodyless ? [] : ['Content-Length', '0']);
  response.end();
}

const greeting = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Hello from Sallyport</title>
<body style="font: 1.1rem/1.5 system-ui, sans-serif; max-width: 36rem; margin: 20vh auto; padding: 0 1rem">
<h1>It works</h1>
<p>This page comes from a connector in a private network that has no open port. Put the address of your own service into
the ingress rule in place of <code>hello_world</code>.</p>
`;

export function answerGreeting(response: ServerResponse): void {
  answerText(response, { status: 200, text: greeting, type: 'text/html' });
}

/** What failed on the way to the origin, as one of our errors. */
export function toOriginError(error: unknown): TunnelError {
  if (error instanceof TunnelError) return error;
  const { code, detail, message } = error as { code?: unknown; detail?: string; message?: string };
  const malformed = typeof code === 'string' && (code.startsWith('HPE_') || code.startsWith('ERR_HTTP'));
  return new TunnelError(malformed ? 'origin_protocol' : toDialCode(code), detail ?? String(message), { cause: error });
}

const toTitle = ({ message, detail }: TunnelError): string => message.slice(0, message.length - detail.length - 2);
