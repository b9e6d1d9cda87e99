// Messages that a client sends, as bytes: what a pooler says to an origin.
import type { BindMessage, NamedKind } from './frontend-messages.ts';
import { Frontend } from './message-types.table.ts';
import { byteString, int16, int32, toMessage, value } from './message-builder.ts';
import type { Part } from './message-builder.ts';
import { requestCodes } from './startup-reader.ts';

function packet(code: number, parts: readonly Part[]): Buffer {
  // A packet of the start-up phase is a message without its type byte.
  return toMessage(0, [int32(code), ...parts]).subarray(1);
}

export function toSslRequest(): Buffer {
  return packet(requestCodes.ssl, []);
}

export function toGssRequest(): Buffer {
  return packet(requestCodes.gss, []);
}

export function toCancelRequest(processId: number, secretKey: Uint8Array): Buffer {
  return packet(requestCodes.cancel, [int32(processId), secretKey]);
}

/** `parameters` must hold `user`. */
export function toStartupMessage(
  parameters: ReadonlyMap<string, string> | Readonly<Record<string, string>>,
  { minor = 0 }: { minor?: number } = {},
): Buffer {
  const entries = parameters instanceof Map ? [...parameters] : Object.entries(parameters);
  return packet((3 << 16) | minor, [...entries.flat(), Buffer.of(0)]);
}

export function toQuery(text: string): Buffer {
  return toMessage(Frontend.Query, [text]);
}

export interface ParseFields {
  /** A byte string; default: the unnamed statement. */
  name?: string;
  query: string | Buffer;
  parameterTypes?: readonly number[];
}

export function toParse({ name = '', query, parameterTypes = [] }: ParseFields): Buffer {
  const text = typeof query === 'string' ? [query] : [query, Buffer.of(0)];
  return toMessage(Frontend.Parse, [
    byteString(name),
    ...text,
    int16(parameterTypes.length),
    ...parameterTypes.map((type) => int32(type)),
  ]);
}

export function toBind(fields: Partial<BindMessage>): Buffer {
  const { portal = '', statement = '', parameterFormats = [], parameters = [], resultFormats = [] } = fields;
  return toMessage(Frontend.Bind, [
    byteString(portal),
    byteString(statement),
    int16(parameterFormats.length),
    ...parameterFormats.map((format) => int16(format)),
    int16(parameters.length),
    ...parameters.flatMap((parameter) => value(parameter)),
    int16(resultFormats.length),
    ...resultFormats.map((format) => int16(format)),
  ]);
}

const letter = (kind: NamedKind): Buffer => Buffer.from(kind === 'statement' ? 'S' : 'P');

export function toDescribe(kind: NamedKind, name = ''): Buffer {
  return toMessage(Frontend.Describe, [letter(kind), byteString(name)]);
}

export function toClose(kind: NamedKind, name = ''): Buffer {
  return toMessage(Frontend.Close, [letter(kind), byteString(name)]);
}

export function toExecute(portal = '', maxRows = 0): Buffer {
  return toMessage(Frontend.Execute, [byteString(portal), int32(maxRows)]);
}

export function toSync(): Buffer {
  return toMessage(Frontend.Sync);
}

export function toFlush(): Buffer {
  return toMessage(Frontend.Flush);
}

export function toTerminate(): Buffer {
  return toMessage(Frontend.Terminate);
}

export function toCopyFail(reason: string): Buffer {
  return toMessage(Frontend.CopyFail, [reason]);
}

/** CopyData looks the same in both directions. */
export function toCopyData(data: Uint8Array): Buffer {
  return toMessage(Frontend.CopyData, [data]);
}

export function toCopyDone(): Buffer {
  return toMessage(Frontend.CopyDone);
}

/** A password in the clear, or hashed with `toMd5Password`. */
export function toPassword(password: string): Buffer {
  return toMessage(Frontend.Password, [password]);
}

export function toSaslInitialResponse(mechanism: string, data: string): Buffer {
  return toMessage(Frontend.Password, [mechanism, ...value(Buffer.from(data))]);
}

export function toSaslResponse(data: string): Buffer {
  return toMessage(Frontend.Password, [Buffer.from(data)]);
}
