// A client's requests on their way to the origin: what they need there, and what they leave behind.
//
// Statement names become ours. A statement that the connection does not hold is prepared first, and the answer to that
// is kept from the client. A request that needs no work from the origin is sent as one that does nothing, so that its
// answer comes in its turn, and not at all when an error made the origin skip it.
import {
  Frontend,
  parseQuery,
  placeOfStatementName,
  replaceStatementName,
  toCopyFail,
  toFlush,
  WireError,
} from '@sallyport/postgres-wire';
import type { Verdict } from '@sallyport/postgres-wire';
import { ClientStatements, closeOfNothing, toNamedParse } from '../statements/client-statements.ts';
import type { SessionWrites } from '../cache/session-writes.ts';
import type { Exchange, PreparedStatements } from './exchange.ts';
import { HyperdriveError } from '../errors.ts';
import type { OriginConnection, RequestToken } from '../origin/origin-connection.ts';
import { sessionEffectsOf } from './session-state.ts';
import type { PinCause } from './session-state.ts';
import { anybodys } from '../statements/statements.ts';
import type { Statement, StatementRegistry } from '../statements/statements.ts';

/** Marks a name that has to fail at the origin: with its own message, in its turn. */
const unknown = Buffer.from('unknown_');

/** In place of Terminate: all that was sent is answered, though no Sync or rest of a COPY comes. Else it is ignored. */
const lastWords = Buffer.concat([toCopyFail('the client left'), toFlush()]);

/** What drivers call by number: `lo_open` and the like, whose objects and descriptors end with the transaction. */
const largeObjectFunctions: ReadonlySet<number> = new Set([
  715, 764, 765, 767, 952, 953, 954, 955, 956, 957, 958, 964, 1004, 3170, 3171, 3172, 3457, 3458, 3459, 3460,
]);

export interface RequestHandlerOptions {
  registry: StatementRegistry;
  maxPrepared: number;
  onPin: (cause: PinCause) => void;
  /** Hears of each statement that goes to the origin; undefined is one that may do anything. */
  onStatement: (text: Buffer | undefined) => void;
  /** Watches what goes to the origin. */
  writes?: SessionWrites | undefined;
}

export class RequestHandler implements PreparedStatements {
  readonly #registry: StatementRegistry;
  readonly #maxPrepared: number;
  readonly #onPin: (cause: PinCause) => void;
  readonly #onStatement: (text: Buffer | undefined) => void;
  readonly #writes: SessionWrites | undefined;
  /** Made when there is something, as most clients name nothing. */
  #named: ClientStatements | undefined;
  /** The unnamed statement: its Parse behind the name, an object that the connection remembers. */
  #unnamed: Buffer | undefined;
  /** What it is as of the last answer: it stays when the origin skips a Parse. */
  #lastUnnamed: Buffer | undefined;

  constructor({ registry, maxPrepared, onPin, onStatement, writes }: RequestHandlerOptions) {
    this.#registry = registry;
    this.#maxPrepared = maxPrepared;
    this.#onPin = onPin;
    this.#onStatement = onStatement;
    this.#writes = writes;
  }

  /** A whole message; `connection` is what it goes to. */
  message(connection: OriginConnection, type: number, { bytes, start, end }: Slice): Verdict {
    switch (type) {
      case Frontend.Query:
        this.#query(connection, parseQuery(bytes.subarray(start, end)));
        connection.tracker.sent(type, this.#dropsUnnamed(connection));
        return true;
      case Frontend.FunctionCall:
        this.#call(bytes.readUInt32BE(start + 5));
        break;
      case Frontend.Parse:
        return this.#parse(connection, bytes.subarray(start, end));
      case Frontend.Bind:
      case Frontend.Describe:
        return this.#use(connection, type, { bytes, start, end });
      case Frontend.Close:
        return this.#closeStatement(connection, { bytes, start, end });
      case Frontend.Sync:
        connection.unit += 1;
        break;
      case Frontend.Terminate:
        if (connection.tracker.outstanding === 0) return false;
        connection.tracker.sent(Frontend.CopyFail);
        return lastWords;
      default:
    }
    connection.tracker.sent(type);
    return true;
  }

  /** The beginning of a message that is too long to be held. */
  large(connection: OriginConnection, type: number, prefix: Buffer): Verdict {
    switch (type) {
      case Frontend.FunctionCall:
        this.#call(prefix.readUInt32BE(5));
        break;
      case Frontend.Query:
        this.#writes?.anything();
        this.#onPin('large-query');
        connection.unnamed &&= anybodys;
        this.#unnamed = undefined;
        break;
      case Frontend.Parse:
        if (prefix[5] !== 0) {
          throw new HyperdriveError('too_many_statements', 'A named statement is longer than the pooler can keep');
        }
        // The text cannot be kept, so it can only be where it was prepared.
        this.#onPin('large-query');
        this.#writes?.longParse(prefix);
        this.#unnamed = prefix;
        connection.unnamed = prefix;
        break;
      case Frontend.Bind:
        return this.#use(connection, type, { bytes: prefix, start: 0, end: prefix.length });
      default:
    }
    connection.tracker.sent(type);
    return true;
  }

  /** The Parse behind its name of what a name means; undefined when there is no such statement. */
  bodyOf(name: string): Buffer | undefined {
    return name === '' ? this.#unnamed : this.#named?.bodyOf(name);
  }

  statementOf(name: string): Statement | undefined {
    return this.#named?.statementOf(name);
  }

  /** An exchange was answered elsewhere: it has the same effects on what the client has prepared. */
  adopt({ protocol, statement, parse }: Exchange, isParsed: boolean): void {
    if (protocol === 'simple') this.#unnamed = undefined;
    else if (parse === undefined) return;
    else if (statement === '') this.#unnamed = isParsed ? parse : undefined;
    else if (isParsed) this.#ownNamed().adopt(statement!, parse);
    this.compact();
  }

  /** The client left: its statements are nobody's any more. */
  close(): void {
    this.#named?.clear();
    this.#named = undefined;
  }

  /** Everything is answered. Nothing larger than itself stays in memory while the client is idle. */
  compact(): void {
    const unnamed = this.#unnamed;
    if (unnamed !== undefined && unnamed.buffer.byteLength > 4 * unnamed.length + 4_096) {
      this.#unnamed = Buffer.from(unnamed);
    }
    this.#lastUnnamed = this.#unnamed;
  }

  #call(oid: number): void {
    this.#writes?.anything();
    if (!largeObjectFunctions.has(oid)) this.#onStatement(undefined);
  }

  #query(connection: OriginConnection, text: Buffer): void {
    this.#onStatement(text);
    this.#writes?.query(text);
    this.#look(connection, text);
  }

  #look(connection: OriginConnection, query: Buffer): void {
    const { pin, forgetsHeld, forgetsNames } = sessionEffectsOf(query.toString('latin1'));
    if (pin !== undefined) this.#onPin(pin);
    if (forgetsHeld) connection.held.clear();
    if (forgetsNames) this.close();
  }

  /** A simple query or a Close takes the unnamed statement with it [pg 55.2.3], unless an error makes the origin skip it. */
  #dropsUnnamed(connection: OriginConnection): RequestToken | undefined {
    const own = this.#unnamed;
    const { unnamed } = connection;
    if (own === undefined && unnamed === undefined) return undefined;
    return {
      done: () => {
        // Not one that was sent behind the query.
        if (this.#unnamed === own || this.#unnamed === this.#lastUnnamed) this.#unnamed = undefined;
        this.#lastUnnamed = undefined;
        if (connection.unnamed === unnamed) connection.unnamed = undefined;
      },
    };
  }

  #parse(connection: OriginConnection, message: Buffer): Verdict {
    const { start, end } = placeOfStatementName(message, 0, message.length)!;
    const body = message.subarray(end + 1);
    const zero = body.indexOf(0);
    if (zero === -1) throw new WireError('malformed_message', 'a query in a Parse has no end');
    // A Bind finds it only when it is answered.
    this.#onStatement(body);
    this.#writes?.prepare(body);
    this.#look(connection, body.subarray(0, zero));
    if (start === end) {
      const there = connection.unnamed;
      // What another client left is there still when an error makes the origin skip this.
      const isOwn = there === undefined || there === this.#unnamed || there === this.#lastUnnamed;
      const isCertain = isOwn || connection.tracker.outstanding === 0;
      connection.unnamed = isCertain ? body : anybodys;
      this.#unnamed = body;
      connection.tracker.sent(Frontend.Parse, {
        done: () => (this.#lastUnnamed = body),
        skipped: (hasFailed) => {
          if (hasFailed) this.#lastUnnamed = undefined;
          if (connection.unnamed === body) connection.unnamed = hasFailed ? undefined : there && anybodys;
          if (this.#unnamed === body) this.#unnamed = this.#lastUnnamed;
        },
      });
      return true;
    }
    return this.#ownNamed().parse(connection, message.toString('latin1', start, end), body);
  }

  #ownNamed(): ClientStatements {
    this.#named ??= new ClientStatements({ registry: this.#registry, maxPrepared: this.#maxPrepared });
    return this.#named;
  }

  /** Bind and Describe: the name becomes ours, and the statement is prepared first if it has to be. */
  #use(connection: OriginConnection, type: number, { bytes, start, end }: Slice): Verdict {
    const place = placeOfStatementName(bytes, start, end);
    if (place === undefined) {
      connection.tracker.sent(type);
      return true;
    }
    const name = bytes.toString('latin1', place.start, place.end);
    const body = type === Frontend.Bind ? this.bodyOf(name) : undefined;
    if (body !== undefined) {
      this.#onStatement(body);
      this.#writes?.bind(body);
    }
    if (name === '' && this.#unnamed !== undefined) {
      if (connection.unnamed === this.#unnamed) {
        connection.tracker.sent(type);
        return true;
      }
      const text = this.#unnamed;
      connection.unnamed = connection.tracker.outstanding === 0 ? text : anybodys;
      connection.tracker.sent(Frontend.Parse, {
        replaceBy: false,
        skipped: () => {
          if (connection.unnamed === text) connection.unnamed = anybodys;
        },
      });
      connection.tracker.sent(type);
      return Buffer.concat([toNamedParse(Buffer.alloc(0), text), bytes.subarray(start, end)]);
    }
    const found = this.#named?.find(connection, name);
    connection.tracker.sent(type);
    // Another client's unnamed statement may be there; nobody must get that.
    const ours = found?.name ?? Buffer.concat([unknown, Buffer.from(name, 'latin1')]);
    const message = replaceStatementName(bytes, start, end, { place, name: ours });
    return found === undefined || found.before.length === 0 ? message : Buffer.concat([...found.before, message]);
  }

  #closeStatement(connection: OriginConnection, { bytes, start, end }: Slice): Verdict {
    const place = placeOfStatementName(bytes, start, end);
    if (place === undefined || place.start === place.end) {
      const skipped = (): unknown => (this.#unnamed ??= this.#lastUnnamed);
      const token = place && { ...this.#dropsUnnamed(connection), skipped };
      if (place !== undefined) this.#unnamed = undefined;
      connection.tracker.sent(Frontend.Close, token);
      return true;
    }
    const name = bytes.toString('latin1', place.start, place.end);
    if (this.#named === undefined) connection.tracker.sent(Frontend.Close);
    else this.#named.closeStatement(connection, name);
    // The origin keeps the statement for the next client.
    return closeOfNothing;
  }
}

/** A message within a chunk. */
export interface Slice {
  bytes: Buffer;
  start: number;
  end: number;
}
