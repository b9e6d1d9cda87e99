// An exchange: what an idle client sent, when that is exactly one complete request. Only such a request can be answered
// without an origin connection of its own, from the cache or over a shared connection; anything else goes the ordinary
// way, which bothers with no question of what it is.
import { Frontend, toTerminate } from '@sallyport/postgres-wire';
import type { TransactionStatus } from '@sallyport/postgres-wire';
import type { SessionWrites } from '../cache/session-writes.ts';
import type { HyperdriveError } from '../errors.ts';
import { maxExchange } from '../limits.ts';
import type { Statement } from '../statements/statements.ts';

export interface Exchange {
  readonly protocol: 'simple' | 'extended';
  /** The client's messages as they came. */
  readonly bytes: Buffer;
  /** The statement's text: of the Query, of the Parse, or of the statement that is named. */
  readonly text: Buffer;
  /** Count and types of parameters as the Parse declared them; empty for a simple query. */
  readonly types: Buffer;
  /** The Bind behind the statement's name: formats, parameters, formats of the result. */
  readonly bind: Buffer | undefined;
  /**
   * Which messages in which order, which decides the form of the answer: `Q`, or P(arse) B(ind) d(escribe a statement)
   * D(escribe the portal) E(xecute, with its number of rows) C(lose the portal) S(ync), such as `PBDE0S`.
   */
  readonly shape: string;
  /** The statement's name, one character per byte; undefined for a simple query. */
  readonly statement: string | undefined;
  /** The Parse behind its name; undefined when there is none. */
  readonly parse: Buffer | undefined;
  /** Sees the answer that comes from the origin. */
  recorder?: Recorder;
  /** Who answers it later, and hears what becomes of its client meanwhile. */
  carrier?: Carrier;
}

export interface Carrier {
  /** The client wants it cancelled. */
  cancel(): void;
  /** The client takes bytes again. */
  drained(): void;
  /** The client is gone. */
  abandoned(): void;
}

/** Sees what a client is sent for its exchange. Exactly one of `settled()` and `lost()` ends it. */
export interface Recorder {
  /** It has a connection and is about to be sent. */
  started?(): void;
  /** The memory is used for something else afterwards: who keeps bytes copies them. */
  bytes(chunk: Buffer): void;
  /** All of the answer was there, ReadyForQuery included. */
  settled(status: TransactionStatus): void;
  /** It will not be complete, or is mixed with the answers of other requests. */
  lost(): void;
}

/** The client of an exchange, to who answers it. */
export interface ExchangeClient {
  /** The settings it logged in with, as SQL that sets them: two clients with the same have the same. */
  readonly settings: string;
  /** What it writes, when that is watched. */
  readonly writes: SessionWrites | undefined;
  /** Whether there is still somebody to be answered. */
  readonly isOpen: boolean;
  /** A part of the answer. Returns false when the client takes no more now. */
  write(bytes: Buffer): boolean;
  /** After `later`: the answer was written, and the client is idle again. `isParsed`: its Parse succeeded. */
  finished(isParsed?: boolean): void;
  /** After `later`: nobody answers, so it takes the ordinary way. Not after `write()`. */
  declined(): void;
  /** After `later`: it cannot be answered to its end. */
  end(error: HyperdriveError): void;
  /** What a name of the client's means. */
  statementOf(name: string): Statement | undefined;
}

/** Answers exchanges before they take a connection. */
export interface Answerer {
  /**
   * `answered`: the whole answer was written. `later`: this will call `finished()` or `declined()`, and until then the
   * client sends nothing else. Undefined: the ordinary way, with `exchange.recorder` when one was set.
   */
  answer(exchange: Exchange, client: ExchangeClient): 'answered' | 'later' | undefined;
}

/** What a client has prepared. */
export interface PreparedStatements {
  /** The Parse behind its name, of the statement that a name means; undefined when there is none. */
  bodyOf(name: string): Buffer | undefined;
}

const empty = Buffer.alloc(0);
const statementKind = 0x53;
const portalKind = 0x50;

const goodbye = toTerminate();

/** Whether a Terminate is the last that came, as far as its last bytes tell. */
export function endsInGoodbye(bytes: Buffer | undefined): boolean {
  return bytes !== undefined && bytes.subarray(-goodbye.length).equals(goodbye);
}

/** Reads what an idle client sent. Bytes that are no exchange, malformed ones among them, are left to the ordinary way. */
export function readExchange(bytes: Buffer, prepared: PreparedStatements): Exchange | 'partial' | undefined {
  if (bytes.length < 5) return isBeginning(bytes[0]!) ? 'partial' : undefined;
  if (bytes[0] !== Frontend.Query) return isBeginning(bytes[0]!) ? readBatch(bytes, prepared) : undefined;
  const total = bytes.readUInt32BE(1) + 1;
  if (total > maxExchange) return undefined;
  if (bytes.length < total) return 'partial';
  if (bytes.length > total || bytes.indexOf(0, 5) !== total - 1) return undefined;
  const text = bytes.subarray(5, total - 1);
  return {
    protocol: 'simple',
    bytes,
    text,
    types: empty,
    bind: undefined,
    shape: 'Q',
    statement: undefined,
    parse: undefined,
  };
}

function isBeginning(type: number): boolean {
  switch (type) {
    case Frontend.Query:
    case Frontend.Parse:
    case Frontend.Bind:
    case Frontend.Describe:
    case Frontend.Execute:
    case Frontend.Close:
      return true;
    default:
      return false;
  }
}

/** What was found of a batch so far. */
interface Batch {
  shape: string;
  statement: string | undefined;
  parse: Buffer | undefined;
  bind: Buffer | undefined;
}

/** A batch of the extended protocol up to its Sync. */
function readBatch(bytes: Buffer, prepared: PreparedStatements): Exchange | 'partial' | undefined {
  const batch: Batch = { shape: '', statement: undefined, parse: undefined, bind: undefined };
  for (let at = 0; ;) {
    if (bytes.length - at < 5) return bytes.length > maxExchange ? undefined : 'partial';
    const length = bytes.readUInt32BE(at + 1);
    const end = at + length + 1;
    if (length < 4 || end > maxExchange) return undefined;
    if (end > bytes.length) return 'partial';
    const type = bytes[at]!;
    if (type === Frontend.Sync)
      return end === bytes.length && length === 4 ? toExchange(bytes, batch, prepared) : undefined;
    if (!takeMessage(batch, type, bytes.subarray(at + 5, end))) return undefined;
    at = end;
  }
}

/** Adds a message to the batch; false when that makes it no exchange. */
function takeMessage(batch: Batch, type: number, body: Buffer): boolean {
  switch (type) {
    case Frontend.Parse: {
      const end = body.indexOf(0);
      if (end === -1 || batch.shape !== '') return false;
      batch.statement = body.toString('latin1', 0, end);
      batch.parse = body.subarray(end + 1);
      batch.shape = 'P';
      return true;
    }
    case Frontend.Bind: {
      const end = body.indexOf(0, 1);
      // One Bind, of the unnamed portal.
      if (body[0] !== 0 || end === -1 || batch.bind !== undefined) return false;
      batch.bind = body.subarray(end + 1);
      batch.shape += 'B';
      return means(batch, body.toString('latin1', 1, end));
    }
    case Frontend.Describe: {
      if (body[0] === portalKind) return takeOfPortal(batch, 'D', body);
      if (body[0] !== statementKind || batch.shape.includes('d') || body.indexOf(0, 1) !== body.length - 1)
        return false;
      batch.shape += 'd';
      return means(batch, body.toString('latin1', 1, body.length - 1));
    }
    case Frontend.Execute:
      if (batch.bind === undefined || batch.shape.includes('E') || body.length !== 5 || body[0] !== 0) return false;
      batch.shape += `E${body.readInt32BE(1)}`;
      return true;
    case Frontend.Close:
      return body[0] === portalKind && takeOfPortal(batch, 'C', body);
    default:
      return false;
  }
}

/** Describe or Close of the unnamed portal, which the batch has made. */
function takeOfPortal(batch: Batch, letter: string, body: Buffer): boolean {
  if (batch.bind === undefined || body.length !== 2 || body[1] !== 0 || batch.shape.includes(letter)) return false;
  batch.shape += letter;
  return true;
}

/** All messages of a batch are about one statement. */
function means(batch: Batch, name: string): boolean {
  batch.statement ??= name;
  return batch.statement === name;
}

function toExchange(
  bytes: Buffer,
  { shape, statement, parse, bind }: Batch,
  prepared: PreparedStatements,
): Exchange | undefined {
  if (statement === undefined) return undefined;
  const known = parse === undefined || statement !== '' ? prepared.bodyOf(statement) : undefined;
  // A name that is taken or unknown has to fail: at the origin.
  if ((parse === undefined) === (known === undefined)) return undefined;
  const body = parse ?? known!;
  const zero = body.indexOf(0);
  if (zero === -1) return undefined;
  return {
    protocol: 'extended',
    bytes,
    text: body.subarray(0, zero),
    types: body.subarray(zero + 1),
    bind,
    shape: `${shape}S`,
    statement,
    parse,
  };
}
