// One client's read on its way through a lane.
import type { Carrier, Exchange, ExchangeClient } from '../session/exchange.ts';
import type { HeldStatement } from '../statements/statements.ts';
import type { Lane } from './lane.ts';
import type { QueryShape } from './query-shape.ts';

export interface SharedRequestOptions {
  exchange: Exchange;
  client: ExchangeClient;
  shape: QueryShape;
  now: number;
}

export class SharedRequest implements Carrier {
  readonly exchange: Exchange;
  readonly shape: QueryShape;
  readonly sentAt: number;
  readonly lane: Lane;
  /** Gone when it left, or is served otherwise: the answer is swallowed then. */
  client: ExchangeClient | undefined;
  /** Bytes that the client was sent. */
  written = 0;
  /** Answers to requests of ours that come first. */
  drops = 0;
  /** What one of these prepares. */
  held: HeldStatement | undefined;
  /** The origin carried its own Parse out, or it has none. */
  isParsed: boolean;

  constructor(lane: Lane, { exchange, client, shape, now }: SharedRequestOptions) {
    this.lane = lane;
    this.exchange = exchange;
    this.client = client;
    this.shape = shape;
    this.sentAt = now;
    this.isParsed = exchange.parse === undefined;
  }

  cancel(): void {
    this.lane.cancel(this);
  }

  drained(): void {
    this.lane.drained();
  }

  abandoned(): void {
    this.client = undefined;
    this.exchange.recorder?.lost();
    this.lane.abandoned(this);
  }
}
