// What the gateway reports about a Worker's traffic; the request log and metrics are made from it.
import type { Decision } from '@sallyport/egress';

/** One connection or request that left, or tried to leave, through the gateway, or from a pool to its database. */
export interface GatewayEvent {
  kind: 'socket' | 'connect' | 'fetch' | 'websocket' | 'database';
  /** The binding to a private service or network that was used; undefined for what is not. */
  binding?: string | undefined;
  /** `host:port` as the Worker, or the database's configuration, has it. */
  destination: string;
  /** What egress said; undefined when it was not asked (a malformed request). */
  decision: Decision | undefined;
  /** Stable error code, when it failed. */
  code: string | undefined;
  message: string | undefined;
  /** What really happened, beyond the documented message, and what can be done about it. */
  detail?: string | undefined;
  remedy?: string | undefined;
  /** Milliseconds from the Worker's request until the connection was up or refused. */
  took: number;
  /** Upper-case method and status of a `fetch`. */
  method?: string;
  status?: number;
  secure: boolean;
}

export type OnGatewayEvent = (event: GatewayEvent) => void;
