// The same servers, asked for where they really are: nothing there may be reached but through the tunnel.
import { attempt } from './attempt.ts';
import type { Env } from './index.ts';

export function direct(env: Env): Promise<unknown> {
  return Promise.all(env.DIRECT.map(attempt));
}
