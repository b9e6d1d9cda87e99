// Messages that a server sends, as bytes: what a pooler says to a client.
import type { ColumnDescription } from './backend-messages.ts';
import { Backend } from './message-types.table.ts';
import { int16, int32, toMessage, value } from './message-builder.ts';
import type { TransactionStatus } from './transaction-status.ts';

/** The one byte that answers an SSLRequest or a GSSENCRequest, which is no message. */
export const encryptionAnswer: Readonly<Record<'ssl' | 'gss' | 'no', Buffer>> = {
  ssl: Buffer.from('S'),
  gss: Buffer.from('G'),
  no: Buffer.from('N'),
};

const authentication = (code: number, ...parts: (string | Uint8Array)[]): Buffer =>
  toMessage(Backend.Authentication, [int32(code), ...parts]);

export function toAuthenticationOk(): Buffer {
  return authentication(0);
}

export function toAuthenticationCleartext(): Buffer {
  return authentication(3);
}

/** `salt` is 4 random bytes. */
export function toAuthenticationMd5(salt: Uint8Array): Buffer {
  return authentication(5, salt);
}

export function toAuthenticationSasl(mechanisms: readonly string[]): Buffer {
  return authentication(10, ...mechanisms, Buffer.of(0));
}

export function toAuthenticationSaslContinue(data: string): Buffer {
  return authentication(11, Buffer.from(data));
}

export function toAuthenticationSaslFinal(data: string): Buffer {
  return authentication(12, Buffer.from(data));
}

/** The key has 4 bytes in protocol 3.0 and up to 256 in 3.2. */
export function toBackendKeyData(processId: number, secretKey: Uint8Array): Buffer {
  return toMessage(Backend.BackendKeyData, [int32(processId), secretKey]);
}

export function toParameterStatus(name: string, text: string): Buffer {
  return toMessage(Backend.ParameterStatus, [name, text]);
}

export function toReadyForQuery(status: TransactionStatus): Buffer {
  return toMessage(Backend.ReadyForQuery, [Buffer.from(status)]);
}

export function toNegotiateProtocolVersion(minor: number, unrecognised: readonly string[]): Buffer {
  return toMessage(Backend.NegotiateProtocolVersion, [
    int32((3 << 16) | minor),
    int32(unrecognised.length),
    ...unrecognised,
  ]);
}

export function toRowDescription(columns: readonly ColumnDescription[]): Buffer {
  return toMessage(Backend.RowDescription, [
    int16(columns.length),
    ...columns.flatMap((column) => [
      column.name,
      int32(column.tableOid),
      int16(column.columnNumber),
      int32(column.typeOid),
      int16(column.typeLength),
      int32(column.typeModifier),
      int16(column.format),
    ]),
  ]);
}

export function toDataRow(values: readonly (Uint8Array | null)[]): Buffer {
  return toMessage(Backend.DataRow, [int16(values.length), ...values.flatMap((item) => value(item))]);
}

export function toCommandComplete(tag: string): Buffer {
  return toMessage(Backend.CommandComplete, [tag]);
}

export function toParameterDescription(types: readonly number[]): Buffer {
  return toMessage(Backend.ParameterDescription, [int16(types.length), ...types.map((type) => int32(type))]);
}

/** A message without fields. */
export function toBareReply(
  name: 'ParseComplete' | 'BindComplete' | 'CloseComplete' | 'NoData' | 'PortalSuspended' | 'EmptyQueryResponse',
): Buffer {
  return toMessage(Backend[name]);
}
