// A request's body as a JSON object, read within a bound.
import type { IncomingMessage } from 'node:http';
import { ApiError } from './envelope.ts';
import { Body } from './request.ts';

/** Largest body, in bytes. */
export const maxBodySize: number = 1024 * 1024;

/** Throws before a byte is read when the request says that it is too large. */
export function checkDeclaredSize(request: IncomingMessage): void {
  if (Number(request.headers['content-length'] ?? 0) > maxBodySize) throw new ApiError('body_too_large');
}

/** Rejects with an `ApiError`; an empty body is an empty object. */
export async function readBody(request: IncomingMessage): Promise<Body> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > maxBodySize) throw new ApiError('body_too_large');
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof ApiError) throw error;
    throw new ApiError('request_timeout', 'the body ended early', { cause: error });
  }
  if (size === 0) return new Body();
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks)));
  } catch {
    // The parser's message quotes the body, which may hold a secret.
    throw new ApiError('invalid_request', 'the body is not JSON');
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return new Body(value);
  throw new ApiError('invalid_request', 'the body is not a JSON object');
}
