// Messages that a client sends: their fields, out of bytes.
//
// Names are byte strings (one character per byte), because a name in an encoding we do not know must still be itself.
import { WireError } from './errors.ts';
import { Frontend, toMessageName } from './message-types.table.ts';
import { MessageBody } from './message-body.ts';

/** What Describe and Close are about: `S`, a statement, or `P`, a portal. */
export type NamedKind = 'statement' | 'portal';

export interface ParseMessage {
  name: string;
  /** A view of the query text, in the client's encoding. */
  query: Buffer;
  parameterTypes: number[];
}

export interface BindMessage {
  portal: string;
  statement: string;
  /** 0 is text, 1 is binary. */
  parameterFormats: number[];
  parameters: (Buffer | null)[];
  resultFormats: number[];
}

export type FrontendMessage =
  | { type: 'Query' | 'CopyFail'; text: Buffer }
  | ({ type: 'Parse' } & ParseMessage)
  | ({ type: 'Bind' } & BindMessage)
  | { type: 'Describe' | 'Close'; kind: NamedKind; name: string }
  | { type: 'Execute'; portal: string; maxRows: number }
  | { type: 'Sync' | 'Flush' | 'Terminate' | 'CopyDone' }
  | { type: 'FunctionCall' | 'CopyData' | 'Password'; data: Buffer };

function counted<Item>(body: MessageBody, size: number, read: () => Item): Item[] {
  const count = body.count();
  if (count * size > body.remaining) throw new WireError('malformed_message', `${count} items do not fit the message`);
  return Array.from({ length: count }, read);
}

export function parseParse(message: Buffer): ParseMessage {
  const body = new MessageBody(message);
  const name = body.byteString();
  const query = body.stringBytes();
  const parameterTypes = counted(body, 4, () => body.uint32());
  body.end();
  return { name, query, parameterTypes };
}

export function parseBind(message: Buffer): BindMessage {
  const body = new MessageBody(message);
  const portal = body.byteString();
  const statement = body.byteString();
  const parameterFormats = counted(body, 2, () => body.int16());
  const parameters = counted(body, 4, () => body.value());
  const resultFormats = counted(body, 2, () => body.int16());
  body.end();
  return { portal, statement, parameterFormats, parameters, resultFormats };
}

/** Portal and statement of a Bind, of which only the beginning need be there. */
export function parseBindNames(message: Buffer): { portal: string; statement: string } {
  const body = new MessageBody(message);
  return { portal: body.byteString(), statement: body.byteString() };
}

export function parseNamed(message: Buffer): { kind: NamedKind; name: string } {
  const body = new MessageBody(message);
  const letter = body.byte();
  if (letter !== 0x53 && letter !== 0x50) {
    throw new WireError('malformed_message', `invalid ${toMessageName('frontend', message[0]!)} subtype ${letter}`);
  }
  const name = body.byteString();
  body.end();
  return { kind: letter === 0x53 ? 'statement' : 'portal', name };
}

/** The one string of a Query or CopyFail, in the client's encoding. */
export function parseQuery(message: Buffer): Buffer {
  const body = new MessageBody(message);
  const text = body.stringBytes();
  body.end();
  return text;
}

/** Any message, whole, type byte included. Throws `malformed_message`. */
export function parseFrontend(message: Buffer): FrontendMessage {
  const body = new MessageBody(message);
  switch (message[0]) {
    case Frontend.Query:
      return { type: 'Query', text: parseQuery(message) };
    case Frontend.CopyFail:
      return { type: 'CopyFail', text: parseQuery(message) };
    case Frontend.Parse:
      return { type: 'Parse', ...parseParse(message) };
    case Frontend.Bind:
      return { type: 'Bind', ...parseBind(message) };
    case Frontend.Describe:
      return { type: 'Describe', ...parseNamed(message) };
    case Frontend.Close:
      return { type: 'Close', ...parseNamed(message) };
    case Frontend.Execute: {
      const portal = body.byteString();
      const maxRows = body.int32();
      body.end();
      return { type: 'Execute', portal, maxRows };
    }
    case Frontend.Sync:
    case Frontend.Flush:
    case Frontend.Terminate:
    case Frontend.CopyDone:
      body.end();
      return { type: toMessageName('frontend', message[0]) as 'Sync' };
    case Frontend.FunctionCall:
    case Frontend.CopyData:
    case Frontend.Password:
      return { type: toMessageName('frontend', message[0]) as 'CopyData', data: body.rest() };
    default:
      throw new WireError('unknown_message', `invalid frontend message type ${message[0]}`);
  }
}
