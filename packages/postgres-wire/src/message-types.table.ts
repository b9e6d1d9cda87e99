// The messages of protocol 3, by direction: type byte and the most its length field may say [pg 53.7].
//
// A type that is missing here is refused, so a stream that got out of step is noticed at its next message.
import { maxAuthLength, maxLargeMessage, maxLongReply, maxShortReply, maxSmallMessage } from './limits.ts';

/** Type bytes of what a client sends. */
export const Frontend = {
  Bind: 0x42, // B
  Close: 0x43, // C
  CopyData: 0x64, // d
  CopyDone: 0x63, // c
  CopyFail: 0x66, // f
  Describe: 0x44, // D
  Execute: 0x45, // E
  Flush: 0x48, // H
  FunctionCall: 0x46, // F
  Parse: 0x50, // P
  /** PasswordMessage, SASLInitialResponse, SASLResponse and GSSResponse share one type. */
  Password: 0x70, // p
  Query: 0x51, // Q
  Sync: 0x53, // S
  Terminate: 0x58, // X
} as const;

/** Type bytes of what a server sends. */
export const Backend = {
  Authentication: 0x52, // R
  BackendKeyData: 0x4b, // K
  BindComplete: 0x32, // 2
  CloseComplete: 0x33, // 3
  CommandComplete: 0x43, // C
  CopyBothResponse: 0x57, // W
  CopyData: 0x64, // d
  CopyDone: 0x63, // c
  CopyInResponse: 0x47, // G
  CopyOutResponse: 0x48, // H
  DataRow: 0x44, // D
  EmptyQueryResponse: 0x49, // I
  ErrorResponse: 0x45, // E
  FunctionCallResponse: 0x56, // V
  NegotiateProtocolVersion: 0x76, // v
  NoData: 0x6e, // n
  NoticeResponse: 0x4e, // N
  NotificationResponse: 0x41, // A
  ParameterDescription: 0x74, // t
  ParameterStatus: 0x53, // S
  ParseComplete: 0x31, // 1
  PortalSuspended: 0x73, // s
  ReadyForQuery: 0x5a, // Z
  RowDescription: 0x54, // T
} as const;

export type FrontendName = keyof typeof Frontend;
export type BackendName = keyof typeof Backend;

const largest: { frontend: Record<FrontendName, number>; backend: Record<BackendName, number> } = {
  frontend: {
    Bind: maxLargeMessage,
    Close: maxSmallMessage,
    CopyData: maxLargeMessage,
    CopyDone: maxSmallMessage,
    CopyFail: maxSmallMessage,
    Describe: maxSmallMessage,
    Execute: maxSmallMessage,
    Flush: maxSmallMessage,
    FunctionCall: maxLargeMessage,
    Parse: maxLargeMessage,
    Password: maxAuthLength,
    Query: maxLargeMessage,
    Sync: maxSmallMessage,
    Terminate: maxSmallMessage,
  },
  backend: {
    Authentication: maxShortReply,
    BackendKeyData: maxShortReply,
    BindComplete: maxShortReply,
    CloseComplete: maxShortReply,
    CommandComplete: maxShortReply,
    CopyBothResponse: maxShortReply,
    CopyData: maxLongReply,
    CopyDone: maxShortReply,
    CopyInResponse: maxShortReply,
    CopyOutResponse: maxShortReply,
    DataRow: maxLongReply,
    EmptyQueryResponse: maxShortReply,
    ErrorResponse: maxLongReply,
    FunctionCallResponse: maxLongReply,
    NegotiateProtocolVersion: maxShortReply,
    NoData: maxShortReply,
    NoticeResponse: maxLongReply,
    NotificationResponse: maxLongReply,
    ParameterDescription: maxLongReply,
    ParameterStatus: maxLongReply,
    ParseComplete: maxShortReply,
    PortalSuspended: maxShortReply,
    ReadyForQuery: maxShortReply,
    RowDescription: maxLongReply,
  },
};

/** Which way messages flow: `frontend` is what clients send. */
export type Side = 'frontend' | 'backend';

/** By type byte, the most a length field may say; 0 for a type that does not exist. */
export function largestByType(side: Side): Uint32Array {
  const table = new Uint32Array(256);
  const codes: Record<string, number> = side === 'frontend' ? Frontend : Backend;
  const limits: Record<string, number> = largest[side];
  for (const [name, code] of Object.entries(codes)) table[code] = limits[name]!;
  return table;
}

/** The name of a type, for messages: `Bind`, or `0x07`. */
export function toMessageName(side: Side, type: number): string {
  const codes: Record<string, number> = side === 'frontend' ? Frontend : Backend;
  const found = Object.entries(codes).find(([, code]) => code === type);
  return found?.[0] ?? `0x${type.toString(16).padStart(2, '0')}`;
}
