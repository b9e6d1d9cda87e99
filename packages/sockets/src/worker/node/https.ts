/**
 * `node:https` in a Worker that the edge runs: the runtime's own, whose clients say `error` when the edge could not connect.
 *
 * @module
 */
import * as native from 'node:https';
import { type Request, startHonest } from './honest-requests.ts';

export * from 'node:https';

type Start = (...args: unknown[]) => Request;

const nativeRequest = native.request as unknown as Start;

export const request: Start = (...args) => startHonest(nativeRequest, args);

export function get(...args: unknown[]): Request {
  const started = request(...args);
  (started as Request & { end(): void }).end();
  return started;
}

const { default: own } = native as unknown as { default: object };

const https: object = { ...own, request, get };
export default https;
