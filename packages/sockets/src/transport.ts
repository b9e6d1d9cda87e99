// What carries a socket's bytes. The Socket holds the API's states once; a transport only moves bytes and reports.
//
// Calls go down (Transport), reports come up (TransportEvents). After `failed` nothing more is reported, and what was
// still promised (a write, an end) stays unanswered: whoever receives `failed` fails it with that same error.
import type { SocketError } from './socket-error.ts';
import type { ParsedAddress } from './address.ts';
import type { CheckedOptions } from './options.ts';
import type { TlsDescription, TlsRequest } from './tls-request.ts';

/** Resolution value of `socket.opened`. */
export interface SocketInfo {
  /** `ip:port` of the other side, IPv6 in brackets; null when unknown. */
  remoteAddress: string | null;
  /** `ip:port` of this side; null when unknown. */
  localAddress: string | null;
  /** The protocol the server chose in the TLS handshake; null without TLS or without a choice. */
  alpn: string | null;
  /** @internal Only where it was asked for. */
  tls?: TlsDescription;
}

export interface TransportEvents {
  /** The connection is usable: TCP, and TLS where it was asked for. Reported again, to the new events, by startTls. */
  opened(info: SocketInfo): void;
  /** Answer to one `pull()`. The receiver owns the buffer. */
  data(chunk: Uint8Array<ArrayBuffer>): void;
  /** Answer to one `pull()`: the other side has ended its half. */
  ended(): void;
  /** The connection could not be made or is gone; `unread` was received before that and nobody has pulled it. */
  failed(error: SocketError, unread: Uint8Array<ArrayBuffer>[]): void;
}

export interface Transport {
  /** The connection ends on this machine, at a pool: it takes one of the invocation's slots only while it connects. */
  readonly isLocal?: boolean;
  /** Starts connecting. Called once. */
  open(events: TransportEvents): void;
  /** Asks for one `data` or `ended`. Never called again before the answer. */
  pull(): void;
  /**
   * Hands bytes over, before `opened` too. Returns undefined when they are already on their way (the common case), else
   * a promise that resolves when the next system took them. Never called again before that.
   */
  write(bytes: Uint8Array): Promise<void> | undefined;
  /** Ends our half behind everything written. */
  end(): Promise<void>;
  /** Starts TLS behind everything written; from now on reports go to `events`. Never called before `opened`. */
  startTls(options: TlsRequest, events: TransportEvents): void;
  /**
   * Why the code that runs now may not use the connection: the runtime's own error, when it serves another request than
   * the one that opened it.
   */
  refusal?(): unknown;
  /** Drops the connection at once. `reset` tells the other side that it was not an orderly end. Idempotent. */
  destroy(reset: boolean): void;
}

/** Makes the transport for one socket; does no I/O before `open()`. */
export type CreateTransport = (address: ParsedAddress, options: CheckedOptions) => Transport;
