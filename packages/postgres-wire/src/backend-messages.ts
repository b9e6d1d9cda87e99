// Messages that a server sends: the fields a pooler or a cache needs, out of bytes.
import { WireError } from './errors.ts';
import { maxCancelKey } from './limits.ts';
import { Backend, toMessageName } from './message-types.table.ts';
import { MessageBody } from './message-body.ts';
import { parseReport } from './report.ts';
import type { Report } from './report.ts';
import type { TransactionStatus } from './transaction-status.ts';

export type AuthenticationRequest =
  | { method: 'ok' | 'cleartext' }
  | { method: 'md5'; salt: Buffer }
  | { method: 'sasl'; mechanisms: string[] }
  | { method: 'sasl-continue' | 'sasl-final'; data: string }
  | { method: 'unsupported'; code: number };

export interface ColumnDescription {
  name: string;
  tableOid: number;
  columnNumber: number;
  typeOid: number;
  typeLength: number;
  typeModifier: number;
  format: number;
}

export type BackendMessage =
  | ({ type: 'Authentication' } & AuthenticationRequest)
  | { type: 'BackendKeyData'; processId: number; secretKey: Buffer }
  | { type: 'ParameterStatus'; name: string; value: string }
  | { type: 'ReadyForQuery'; status: TransactionStatus }
  | { type: 'RowDescription'; columns: ColumnDescription[] }
  | { type: 'DataRow'; values: (Buffer | null)[] }
  | { type: 'CommandComplete'; tag: string }
  | { type: 'ErrorResponse' | 'NoticeResponse'; report: Report }
  | { type: 'NotificationResponse'; processId: number; channel: string; payload: string }
  | { type: 'NegotiateProtocolVersion'; minor: number; unrecognised: string[] }
  | { type: 'ParameterDescription'; types: number[] }
  | { type: 'CopyInResponse' | 'CopyOutResponse' | 'CopyBothResponse'; format: number; columnFormats: number[] }
  | { type: 'FunctionCallResponse'; value: Buffer | null }
  | { type: 'CopyData'; data: Buffer }
  | {
      type:
        | 'ParseComplete'
        | 'BindComplete'
        | 'CloseComplete'
        | 'NoData'
        | 'PortalSuspended'
        | 'EmptyQueryResponse'
        | 'CopyDone';
    };

export function parseAuthentication(message: Buffer): AuthenticationRequest {
  const body = new MessageBody(message);
  const code = body.int32();
  switch (code) {
    case 0:
      body.end();
      return { method: 'ok' };
    case 3:
      body.end();
      return { method: 'cleartext' };
    case 5:
      return { method: 'md5', salt: Buffer.from(body.take(4)) };
    case 10: {
      const mechanisms: string[] = [];
      for (let name = body.text(); name !== ''; name = body.text()) mechanisms.push(name);
      return { method: 'sasl', mechanisms };
    }
    case 11:
    case 12:
      return { method: code === 11 ? 'sasl-continue' : 'sasl-final', data: body.rest().toString('utf8') };
    default:
      return { method: 'unsupported', code };
  }
}

export function parseBackendKeyData(message: Buffer): { processId: number; secretKey: Buffer } {
  const body = new MessageBody(message);
  const processId = body.int32();
  const secretKey = Buffer.from(body.rest());
  if (secretKey.length < 4 || secretKey.length > maxCancelKey) {
    throw new WireError('malformed_message', `a cancel key of ${secretKey.length} bytes`);
  }
  return { processId, secretKey };
}

export function parseParameterStatus(message: Buffer): { name: string; value: string } {
  const body = new MessageBody(message);
  return { name: body.text(), value: body.text() };
}

export function parseReadyForQuery(message: Buffer): TransactionStatus {
  const body = new MessageBody(message);
  const status = String.fromCharCode(body.byte());
  body.end();
  if (status !== 'I' && status !== 'T' && status !== 'E') {
    throw new WireError('malformed_message', `a transaction status of ${JSON.stringify(status)}`);
  }
  return status;
}

function parseColumn(body: MessageBody): ColumnDescription {
  return {
    name: body.text(),
    tableOid: body.uint32(),
    columnNumber: body.int16(),
    typeOid: body.uint32(),
    typeLength: body.int16(),
    typeModifier: body.int32(),
    format: body.int16(),
  };
}

function counted<Item>(body: MessageBody, count: number, size: number, read: () => Item): Item[] {
  if (count < 0 || count * size > body.remaining) {
    throw new WireError('malformed_message', `${count} items do not fit the message`);
  }
  return Array.from({ length: count }, read);
}

/** Any message, whole, type byte included. Throws `malformed_message`. */
export function parseBackend(message: Buffer): BackendMessage {
  const body = new MessageBody(message);
  switch (message[0]) {
    case Backend.Authentication:
      return { type: 'Authentication', ...parseAuthentication(message) };
    case Backend.BackendKeyData:
      return { type: 'BackendKeyData', ...parseBackendKeyData(message) };
    case Backend.ParameterStatus:
      return { type: 'ParameterStatus', ...parseParameterStatus(message) };
    case Backend.ReadyForQuery:
      return { type: 'ReadyForQuery', status: parseReadyForQuery(message) };
    case Backend.RowDescription:
      return { type: 'RowDescription', columns: counted(body, body.count(), 19, () => parseColumn(body)) };
    case Backend.DataRow:
      return { type: 'DataRow', values: counted(body, body.count(), 4, () => body.value()) };
    case Backend.CommandComplete:
      return { type: 'CommandComplete', tag: body.text() };
    case Backend.ErrorResponse:
      return { type: 'ErrorResponse', report: parseReport(message) };
    case Backend.NoticeResponse:
      return { type: 'NoticeResponse', report: parseReport(message) };
    case Backend.NotificationResponse:
      return { type: 'NotificationResponse', processId: body.int32(), channel: body.text(), payload: body.text() };
    case Backend.NegotiateProtocolVersion: {
      // Sent by servers as 0x0003000N or as N alone.
      const minor = body.int32() & 0xffff;
      return {
        type: 'NegotiateProtocolVersion',
        minor,
        unrecognised: counted(body, body.int32(), 1, () => body.text()),
      };
    }
    case Backend.ParameterDescription:
      return { type: 'ParameterDescription', types: counted(body, body.count(), 4, () => body.uint32()) };
    case Backend.CopyInResponse:
    case Backend.CopyOutResponse:
    case Backend.CopyBothResponse: {
      const type = toMessageName('backend', message[0]) as 'CopyInResponse';
      const format = body.byte();
      return { type, format, columnFormats: counted(body, body.count(), 2, () => body.int16()) };
    }
    case Backend.FunctionCallResponse:
      return { type: 'FunctionCallResponse', value: body.value() };
    case Backend.CopyData:
      return { type: 'CopyData', data: body.rest() };
    case Backend.ParseComplete:
    case Backend.BindComplete:
    case Backend.CloseComplete:
    case Backend.NoData:
    case Backend.PortalSuspended:
    case Backend.EmptyQueryResponse:
    case Backend.CopyDone:
      body.end();
      return { type: toMessageName('backend', message[0]) as 'NoData' };
    default:
      throw new WireError('unknown_message', `invalid backend message type ${message[0]}`);
  }
}
