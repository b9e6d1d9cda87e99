// The CONNECTs by which a `sallyport dev --edge` uses private services: one opens an outlet to a service and stays, to be told
// what comes through it; each further one is a connection of its Worker's runtime to that outlet.
import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { OnGatewayEvent } from '../gateway/events.ts';
import { createOutletHandler, type OutletHandler } from '../gateway/outlet-server.ts';
import type { Traffic } from '../gateway/traffic.ts';
import { type OutletWay, toOutletParts } from './outlet.ts';

/** Names the outlet that was opened. */
export const outletHeader = 'sallyport-outlet';
/** Bytes of events that may wait for one who does not read them; what comes then is not told. */
export const maxWaitingEvents: number = 256 * 1024;
/** Says that nothing new is taken, while what runs may finish. */
export const stoppingCode = 'tunnel_unavailable';
const keepAliveDelay = 30_000;

/** Of any text that a project may have as an id: what it does not name is told by the outlet. */
const serviceAuthority = /^([^:/]{1,256})\.vpc-service\.local:1$/;
const outletAuthority = /^([0-9a-f]{32})\.vpc-outlet\.local:1$/;

export const toServiceAuthority = (id: string): string => `${encodeURIComponent(id)}.vpc-service.local:1`;
export const toOutletAuthority = (id: string): string => `${id}.vpc-outlet.local:1`;

const established = 'HTTP/1.1 200 Connection established\r\n';

/** The way to a service, followed until it is stopped. */
export interface FollowedService extends OutletWay {
  /** Counts the bytes of an outlet, until it is stopped. */
  watch(traffic: Traffic): void;
  stop(): void;
}

/** Undefined while the edge starts. */
export type FollowService = (id: string, onEvent: OnGatewayEvent) => FollowedService | undefined;

export interface OutletRefusal {
  code: string;
  detail: string;
  remedy: string;
}

const stopping: OutletRefusal = {
  code: stoppingCode,
  detail: 'the edge is just starting, or stopping',
  remedy: 'Ask again in a moment; if it stays so, start that edge.',
};
const unknown: OutletRefusal = {
  code: 'connection_failed',
  detail: 'the edge has no such outlet: it was started again, or lost sight of us',
  remedy: 'Ask again.',
};

export interface OutletRequests {
  /** Takes a CONNECT that is one of these; false for others. */
  take(authority: string, stream: Socket, refuse: (refusal: OutletRefusal) => void): boolean;
  /** Takes no more, and resolves when what runs has finished, or has been ended because grace (milliseconds) is over. */
  drain(grace: number): Promise<void>;
  /** Ends all outlets and what runs through them. */
  close(): void;
}

/** There are at most as many outlets as the control API takes connections. */
export function createOutletRequests(follow: FollowService): OutletRequests {
  const outlets = new Map<string, { handler: OutletHandler; owner: Socket }>();
  let isStopping = false;
  const open = (serviceId: string, stream: Socket): boolean => {
    const followed = follow(serviceId, (event) => tell(stream, event));
    if (followed === undefined) return false;
    const id = randomBytes(16).toString('hex');
    const handler = createOutletHandler(toOutletParts(followed));
    followed.watch(handler.traffic);
    outlets.set(id, { handler, owner: stream });
    stream.setKeepAlive(true, keepAliveDelay);
    stream.once('close', () => {
      outlets.delete(id);
      handler.close();
      followed.stop();
    });
    stream.once('end', () => stream.destroy());
    stream.write(`${established}${outletHeader}: ${id}\r\n\r\n`);
    // Nothing is expected; its end is.
    stream.resume();
    return true;
  };
  const join = (id: string, stream: Socket): boolean => {
    const found = outlets.get(id);
    if (found === undefined) return false;
    stream.write(`${established}\r\n`);
    found.handler.serve(stream);
    return true;
  };
  return {
    take(authority, stream, refuse) {
      const service = serviceAuthority.exec(authority)?.[1];
      const outlet = outletAuthority.exec(authority)?.[1];
      if (service === undefined && outlet === undefined) return false;
      if (isStopping) refuse(stopping);
      else if (service !== undefined) {
        if (!open(service, stream)) refuse(stopping);
      } else if (!join(outlet!, stream)) refuse(unknown);
      return true;
    },
    async drain(grace) {
      isStopping = true;
      const ends = [...outlets.values()].map(({ handler, owner }) => handler.drain().then(() => owner.destroy()));
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise((resolve) => (timer = setTimeout(resolve, grace)));
      await Promise.race([Promise.all(ends), late]);
      clearTimeout(timer);
      // Now, and not by links that end under it: who waits is told that it was the edge.
      for (const { owner } of outlets.values()) owner.destroy();
    },
    close() {
      for (const { owner } of outlets.values()) owner.destroy();
    },
  };
}

function tell(stream: Duplex, event: object): void {
  if (!stream.destroyed && stream.writableLength < maxWaitingEvents) stream.write(`${JSON.stringify(event)}\n`);
}
