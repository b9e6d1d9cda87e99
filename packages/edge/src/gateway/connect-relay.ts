// HTTP CONNECT for what does not go through our Socket: native `node:net` and bindings' `.connect()`. Raw bytes after
// the answer; refusals are an HTTP status whose reason names our code [RFC 9110 9.3.6].
import type { Duplex } from 'node:stream';
import type { Egress, EgressTarget } from '@sallyport/egress';
import { SocketError } from '@sallyport/sockets/internal';
import { codeOf, decisionOf, dialThrough, reasonOf } from './egress-dial.ts';
import type { OnGatewayEvent } from './events.ts';
import { relay } from './relay.ts';

/** What a CONNECT means, and what the log calls it. */
type ConnectTarget = EgressTarget & { destination?: string };

/** `host:port` of a CONNECT request; undefined when it is not one. */
export function parseAuthority(authority: string): EgressTarget | undefined {
  const colon = authority.lastIndexOf(':');
  const port = authority.slice(colon + 1);
  if (colon < 1 || !/^\d{1,5}$/.test(port)) return undefined;
  return { hostname: authority.slice(0, colon), port: Number(port) };
}

/** Answers one CONNECT request. `head` is what the client sent behind it already. */
export async function relayConnect(
  client: Duplex,
  authority: string,
  head: Buffer,
  parts: { egress: Egress; onEvent: OnGatewayEvent; toTarget?: (authority: string) => ConnectTarget | undefined },
): Promise<void> {
  const { toTarget = parseAuthority } = parts;
  const startedAt = performance.now();
  const abort = new AbortController();
  const onClientGone = (): void => abort.abort();
  client.once('close', onClientGone);
  client.on('error', onClientGone);
  client.pause();
  // At once: behind an end of stream, which may come while we dial, nothing can be put back.
  if (head.byteLength > 0) client.unshift(head);
  let target: ConnectTarget | undefined;
  const report = (error: unknown, decision = decisionOf(error)): void =>
    parts.onEvent({
      kind: 'connect',
      destination: target?.destination ?? authority,
      decision,
      code: codeOf(error),
      message: error instanceof Error ? error.message : undefined,
      ...reasonOf(error),
      took: performance.now() - startedAt,
      secure: false,
    });
  try {
    target = toTarget(authority);
    if (target === undefined) throw new SocketError('connection_failed', { message: `Bad authority: ${authority}` });
    const { stream, decision } = await dialThrough(parts.egress, target, { signal: abort.signal });
    report(undefined, decision);
    // The client may have gone in the same moment, and will not say so again.
    if (client.destroyed) return void stream.destroy();
    client.off('close', onClientGone);
    client.write('HTTP/1.1 200 Connection established\r\n\r\n');
    relay(client, stream);
  } catch (error) {
    const code = codeOf(error);
    if (code === undefined) throw error;
    report(error);
    const answer = `HTTP/1.1 502 ${code}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`;
    client.end(answer, () => client.destroy());
    client.resume();
  }
}
