/**
 * The PostgreSQL protocol, version 3, as bytes in and events out: no sockets, no timers, no dependencies.
 *
 * ```ts
 * const reader = new MessageReader(
 *   {
 *     message: (type, bytes, start, end) => type !== Frontend.Terminate, // look at it; true: it goes on
 *     large: (type, prefix, length) => true, // too long to be held: its beginning
 *     pass: (bytes) => origin.write(bytes), // everything that goes on, neighbours in one piece
 *   },
 *   defineInspection({ side: 'frontend', inspect: [Frontend.Query, Frontend.Terminate] }),
 * );
 * client.on('data', (chunk) => reader.push(chunk));
 * ```
 *
 * Names of statements and portals are byte strings: one character per byte, so that nothing is lost in any encoding.
 * README.md has the messages and the limits.
 */
export { MessageReader } from './message-reader.ts';
export type { MessageHandler, Verdict } from './message-reader.ts';
export { defineInspection } from './inspection.ts';
export type { Inspection, InspectionOptions } from './inspection.ts';
export { parseStartupPacket, StartupReader } from './startup-reader.ts';
export type { StartupRequest } from './startup-reader.ts';
export { negotiateVersion, newestMinor, parseOptions } from './startup-options.ts';
export type { Negotiation } from './startup-options.ts';

export { Backend, Frontend, toMessageName } from './message-types.table.ts';
export type { BackendName, FrontendName, Side } from './message-types.table.ts';
export { parseBind, parseBindNames, parseFrontend, parseNamed, parseParse, parseQuery } from './frontend-messages.ts';
export type { BindMessage, FrontendMessage, NamedKind, ParseMessage } from './frontend-messages.ts';
export {
  parseAuthentication,
  parseBackend,
  parseBackendKeyData,
  parseParameterStatus,
  parseReadyForQuery,
} from './backend-messages.ts';
export type { AuthenticationRequest, BackendMessage, ColumnDescription } from './backend-messages.ts';
export { parseReport, sqlstateOf, toErrorResponse, toNoticeResponse } from './report.ts';
export type { ErrorReport, Report, ReportField } from './report.ts';
export { placeOfStatementName, replaceStatementName } from './statement-name.ts';
export type { NamePlace } from './statement-name.ts';

export {
  toBind,
  toCancelRequest,
  toClose,
  toCopyData,
  toCopyDone,
  toCopyFail,
  toDescribe,
  toExecute,
  toFlush,
  toGssRequest,
  toParse,
  toPassword,
  toQuery,
  toSaslInitialResponse,
  toSaslResponse,
  toSslRequest,
  toStartupMessage,
  toSync,
  toTerminate,
} from './frontend-writer.ts';
export type { ParseFields } from './frontend-writer.ts';
export {
  encryptionAnswer,
  toAuthenticationCleartext,
  toAuthenticationMd5,
  toAuthenticationOk,
  toAuthenticationSasl,
  toAuthenticationSaslContinue,
  toAuthenticationSaslFinal,
  toBackendKeyData,
  toBareReply,
  toCommandComplete,
  toDataRow,
  toNegotiateProtocolVersion,
  toParameterDescription,
  toParameterStatus,
  toReadyForQuery,
  toRowDescription,
} from './backend-writer.ts';

export { createScramClient } from './scram-client.ts';
export type { ScramClient, ScramClientOptions } from './scram-client.ts';
export { createScramServer, parseSaslInitialResponse } from './scram-server.ts';
export type { ScramServer, ScramServerOptions } from './scram-server.ts';
export { toScramVerifier } from './scram.ts';
export type { ScramVerifier } from './scram.ts';
export { toServerEndPoint } from './channel-binding.ts';
export { isSameSecret, toMd5Password } from './password.ts';
export type { Credentials } from './password.ts';

export { PipelineTracker, trackedReplies, trackedRequests } from './pipeline-tracker.ts';
export type { SkippedListener } from './pipeline-tracker.ts';
export type { TransactionStatus } from './transaction-status.ts';
export { WireError, wireErrorCodes } from './errors.ts';
export type { WireErrorCode } from './errors.ts';
export * from './limits.ts';
