// Who answers the requests of the HTTP listener: a Worker's runtime, or a service behind a tunnel.
import type { IncomingMessage, RequestOptions } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Failure } from './error-page.ts';

/** What is told when a client goes. */
export interface Client {
  readonly destroyed: boolean;
  once(event: 'close', listener: () => void): unknown;
}

/** An answerer, held for one request. */
export interface Backend {
  /** How Node's HTTP client reaches it, for a path. */
  target(path: string): RequestOptions;
  /** The header to send, names and values by turns, for the client's and the address it came from. */
  headers(sent: readonly string[], clientAddress: string): readonly string[];
  /** The request is over. Idempotent. */
  release(): void;
  /** The request became a conversation without an end: it keeps nothing alive, and ends with the answerer. */
  converse(stream: Duplex): void;
  /** Why there was no answer, or an answer that only says that something threw; undefined to pass it on. */
  explain(problem: Error | IncomingMessage): Promise<Refusal | undefined>;
}

export interface Refusal {
  status: number;
  failure: Failure;
}

export interface Upstream {
  /** Waits while the answerer is being started. Undefined when the client went meanwhile. */
  acquire(client: Client): Promise<Backend | Refusal | undefined>;
}

/** The upstream for a host name without port; undefined when nobody answers for it. */
export type FindUpstream = (host: string) => Upstream | undefined;

/** A host that nobody answers for. */
export const noSuchHost: Refusal = {
  status: 404,
  failure: {
    title: 'No such host',
    detail: 'No Worker and no tunnel of this edge answers for this host name.',
  },
};
