// Reads of different clients over few connections. A read takes a lane when it is known to be fast and harmless; any
// other, and one for which no lane has room, goes the ordinary way, and is timed there.
import { Frontend } from '@sallyport/postgres-wire';
import type { TransactionStatus } from '@sallyport/postgres-wire';
import type { Clock } from '../clock.ts';
import { laneTick, maxLaneDepth, maxLaneLoad, maxSharedAnswer, maxSharedRequest, newLaneDepth } from '../limits.ts';
import type { PoolerMetrics } from '../metrics.ts';
import type { OriginPool } from '../origin/origin-pool.ts';
import type { Exchange, ExchangeClient, Recorder } from '../session/exchange.ts';
import { Lane } from './lane.ts';
import { QueryShapes } from './query-shape.ts';
import type { QueryShape, ShapeSources } from './query-shape.ts';
import type { Statement } from '../statements/statements.ts';

export interface LanesOptions extends ShapeSources {
  pool: OriginPool;
  clock: Clock;
  metrics: PoolerMetrics;
}

/** Times a read that goes the ordinary way. */
class Timing implements Recorder {
  readonly #shape: QueryShape;
  readonly #clock: Clock;
  readonly #next: Recorder | undefined;
  #since = 0;
  #bytes = 0;

  constructor(shape: QueryShape, clock: Clock, next: Recorder | undefined) {
    this.#shape = shape;
    this.#clock = clock;
    this.#next = next;
  }

  started(): void {
    this.#since = this.#clock.now();
    this.#next?.started?.();
  }

  bytes(chunk: Buffer): void {
    this.#bytes += chunk.length;
    this.#next?.bytes(chunk);
  }

  settled(status: TransactionStatus): void {
    this.#shape.observe(this.#clock.now() - this.#since);
    if (this.#bytes > maxSharedAnswer) this.#shape.isBig = true;
    this.#next?.settled(status);
  }

  lost(): void {
    this.#next?.lost();
  }
}

/** Which batches a lane can carry: those that leave nothing behind but an unnamed statement. */
function isCarriable({ bytes, statement, shape }: Exchange): boolean {
  if (bytes.length > maxSharedRequest) return false;
  if (bytes[0] === Frontend.Query) return true;
  if (bytes[0] === Frontend.Parse) return statement === '';
  return bytes[0] === Frontend.Bind && statement !== '' && !shape.includes('d');
}

export class Lanes {
  readonly #options: LanesOptions;
  readonly #shapes = new QueryShapes();
  readonly #ofStatements = new WeakMap<Statement, QueryShape>();
  /** By the settings of their connections. */
  readonly #lanes = new Map<string, Lane[]>();
  #count = 0;
  #cancelTimer: (() => void) | undefined;

  constructor(options: LanesOptions) {
    this.#options = options;
    options.pool.onPressure = () => this.#giveWay();
  }

  get count(): number {
    return this.#count;
  }

  /** Whether a lane carries this; its client is told when it is finished, or declined. */
  offer(exchange: Exchange, client: ExchangeClient): boolean {
    const { pool, clock } = this.#options;
    if (pool.limits.maxLanes === 0 || !isCarriable(exchange)) return false;
    const shape = this.#shapeOf(exchange, client);
    if (shape === undefined) return false;
    if (!shape.isFast) {
      if (!shape.isBig) exchange.recorder = new Timing(shape, clock, exchange.recorder);
      return false;
    }
    if (!shape.isHarmless(exchange.text, client.settings, this.#options)) return false;
    const lane = this.#laneFor(client.settings);
    lane?.send({ exchange, client, shape, now: clock.now() });
    return lane !== undefined;
  }

  /** Of a prepared statement it is looked up once. */
  #shapeOf({ protocol, parse, statement: name, text }: Exchange, client: ExchangeClient): QueryShape | undefined {
    const statement = protocol === 'extended' && parse === undefined ? client.statementOf(name!) : undefined;
    if (statement === undefined) return this.#shapes.of(text);
    let shape = this.#ofStatements.get(statement);
    if (shape === undefined) {
      shape = this.#shapes.of(text);
      if (shape !== undefined) this.#ofStatements.set(statement, shape);
    }
    return shape;
  }

  /** Lanes take nothing new, and give their connections back. */
  retire(): void {
    for (const lane of [...this.#lanes.values()].flat()) lane.retire();
  }

  close(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    for (const lane of [...this.#lanes.values()].flat()) lane.close();
  }

  #laneFor(settings: string): Lane | undefined {
    const lanes = this.#lanes.get(settings);
    let best: Lane | undefined;
    if (lanes !== undefined) {
      for (const lane of lanes) if (lane.isOpen && (best === undefined || lane.depth < best.depth)) best = lane;
    }
    if (best === undefined || best.depth >= newLaneDepth) best = this.#open(settings) ?? best;
    return best !== undefined && best.depth < maxLaneDepth && best.load < maxLaneLoad ? best : undefined;
  }

  #open(settings: string): Lane | undefined {
    const { pool, clock, metrics } = this.#options;
    if (this.#count >= Math.min(pool.limits.maxLanes, pool.limits.maxConnections)) return undefined;
    const connection = pool.takeIdle(settings);
    if (connection === undefined) return undefined;
    const lane = new Lane(connection, { pool, clock, metrics, onEnd: (ended) => this.#ended(settings, ended) });
    const lanes = this.#lanes.get(settings);
    if (lanes === undefined) this.#lanes.set(settings, [lane]);
    else lanes.push(lane);
    this.#count += 1;
    this.#wait();
    return lane;
  }

  #ended(settings: string, lane: Lane): void {
    const lanes = (this.#lanes.get(settings) ?? []).filter((other) => other !== lane);
    if (lanes.length === 0) this.#lanes.delete(settings);
    else this.#lanes.set(settings, lanes);
    this.#count -= 1;
  }

  /** Somebody waits for a connection, and there may be no more of them: the lane that has least to do goes. */
  #giveWay(): void {
    const open = [...this.#lanes.values()].flat().filter(({ isOpen }) => isOpen);
    const [least] = open.toSorted((one, other) => one.depth - other.depth);
    least?.retire();
  }

  #wait(): void {
    this.#cancelTimer ??= this.#options.clock.after(laneTick, () => {
      this.#cancelTimer = undefined;
      const now = this.#options.clock.now();
      for (const lane of [...this.#lanes.values()].flat()) lane.tick(now);
      if (this.#count > 0) this.#wait();
    });
  }
}
