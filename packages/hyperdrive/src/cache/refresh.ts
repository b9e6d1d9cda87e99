// Asks the origin again for an answer that is stale, for nobody in particular.
import { Frontend, toClose, toDescribe, toExecute, toSync } from '@sallyport/postgres-wire';
import type { Clock } from '../clock.ts';
import type { OriginConnection, Holder } from '../origin/origin-connection.ts';
import type { OriginPool, Waiter } from '../origin/origin-pool.ts';
import type { Exchange } from '../session/exchange.ts';
import { toNamedParse } from '../statements/client-statements.ts';
import { anybodys } from '../statements/statements.ts';
import type { Recording } from './recording.ts';

const nobody = Buffer.alloc(0);

export class Refresh implements Waiter, Holder {
  readonly settings: string;
  readonly #pool: OriginPool;
  readonly #messages: readonly (readonly [type: number, bytes: Buffer])[];
  readonly #recording: Recording;
  readonly #clock: Clock;
  #connection: OriginConnection | undefined;
  #cancelTimer: () => void = () => {};

  constructor(
    pool: OriginPool,
    settings: string,
    { exchange, recording, clock }: { exchange: Exchange; recording: Recording; clock: Clock },
  ) {
    this.#pool = pool;
    this.#clock = clock;
    this.settings = settings;
    // Copies, as the client's chunk is not ours to keep.
    this.#messages = toMessages(exchange).map(([type, bytes]) => [type, Buffer.from(bytes)]);
    this.#recording = recording;
  }

  start(): void {
    this.#pool.wait(this);
  }

  granted(connection: OriginConnection): void {
    this.#connection = connection;
    connection.link(this);
    connection.unnamed = anybodys;
    const { queryTimeout } = this.#pool.limits;
    if (queryTimeout > 0) this.#cancelTimer = this.#clock.after(queryTimeout, () => this.#giveUp(connection));
    connection.cork();
    for (const [type, bytes] of this.#messages) {
      if (type === Frontend.Sync) connection.unit += 1;
      connection.tracker.sent(type);
      connection.write(bytes);
    }
    connection.uncork();
  }

  refused(): void {
    this.#recording.lost();
  }

  fromOrigin(bytes: Buffer): boolean {
    this.#recording.bytes(bytes);
    return true;
  }

  settingChanged(): void {}

  originSettled(): void {
    this.#cancelTimer();
    const connection = this.#connection!;
    this.#recording.settled(connection.tracker.status);
    this.#pool.release(connection);
  }

  originLost(): void {
    this.#cancelTimer();
    this.#recording.lost();
  }

  /** Others may wait for this answer by now: it takes no longer than theirs would. */
  #giveUp(connection: OriginConnection): void {
    this.#pool.discard(connection);
    this.#recording.lost();
  }
}

/** The messages of an exchange, with the unnamed statement in place of the client's. */
function toMessages({ protocol, bytes, text, types, bind, shape }: Exchange): [number, Buffer][] {
  if (protocol === 'simple') return [[Frontend.Query, bytes]];
  const parse = toNamedParse(nobody, Buffer.concat([text, Buffer.alloc(1), types]));
  const messages: [number, Buffer][] = [[Frontend.Parse, parse]];
  for (const letter of shape.replace(/^P/, '')) {
    if (letter === 'B') messages.push([Frontend.Bind, toUnnamedBind(bind!)]);
    else if (letter === 'd') messages.push([Frontend.Describe, toDescribe('statement', '')]);
    else if (letter === 'D') messages.push([Frontend.Describe, toDescribe('portal', '')]);
    else if (letter === 'E') messages.push([Frontend.Execute, toExecute('', 0)]);
    else if (letter === 'C') messages.push([Frontend.Close, toClose('portal', '')]);
    else if (letter === 'S') messages.push([Frontend.Sync, toSync()]);
  }
  return messages;
}

function toUnnamedBind(bind: Buffer): Buffer {
  const message = Buffer.alloc(7 + bind.length);
  message[0] = Frontend.Bind;
  message.writeUInt32BE(message.length - 1, 1);
  message.set(bind, 7);
  return message;
}
