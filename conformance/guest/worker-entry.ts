// The cases as a Worker. Bundled twice: once for plain workerd, and once by our own bundler, which binds
// `cloudflare:sockets` to our Socket.
import * as sockets from 'cloudflare:sockets';
import type { LooseConnect, RunRequest } from './context.ts';
import { attempt } from './observe.ts';
import { observe, runCase } from './run-case.ts';

interface ExecutionContext {
  waitUntil(promise: Promise<unknown>): void;
}

const connect = sockets.connect as unknown as LooseConnect;
const globalScope = attempt(() => connect('127.0.0.1:1'));
const parts = new Map<string, () => unknown>();
const unhandled: string[] = [];

(globalThis as unknown as EventTarget).addEventListener('unhandledrejection', (event) => {
  unhandled.push(String((event as Event & { reason: unknown }).reason));
});

function keep(part: () => unknown): string {
  const id = String(parts.size);
  parts.set(id, part);
  return id;
}

export default {
  async fetch(request: Request, _env: unknown, execution: ExecutionContext): Promise<Response> {
    const url = new URL(request.url);
    if (url.pathname === '/part') {
      const part = parts.get(url.searchParams.get('part') ?? '');
      return Response.json(part === undefined ? { crashed: 'no such part' } : await observe(part));
    }
    const answer = await runCase((await request.json()) as RunRequest, {
      connect,
      module: { ...sockets },
      globalScope,
      unhandled,
      waitUntil: (promise) => execution.waitUntil(promise),
      keep,
    });
    if (!(answer instanceof Response)) return Response.json(answer);
    return new Response(answer.body, { status: answer.status, headers: { 'x-conformance': 'body' } });
  },
};
