// Dialling for the gateway: every connection goes through egress, and egress's errors become the socket API's.
import type { Duplex } from 'node:stream';
import { type Decision, type Egress, EgressError, type EgressTarget } from '@sallyport/egress';
import { isSocketErrorCode, SocketError } from '@sallyport/sockets/internal';

export interface DialledStream {
  stream: Duplex;
  decision: Decision;
}

/** A timer's longest run, for a Worker that asked to wait for ever. */
const longestTimeout = 2_147_483_647;

/**
 * Opens a connection for a Worker.
 *
 * @throws SocketError with egress's code, documented message and remedy; `decisionOf` finds the decision
 */
export async function dialThrough(
  egress: Egress,
  target: EgressTarget,
  options: { signal?: AbortSignal; connectTimeout?: number } = {},
): Promise<DialledStream> {
  const { signal, connectTimeout } = options;
  try {
    const { stream, decision } = await egress.open(target, {
      signal,
      connectTimeout: connectTimeout === 0 ? longestTimeout : connectTimeout,
    });
    return { stream, decision };
  } catch (error) {
    throw toSocketError(error);
  }
}

function toSocketError(error: unknown): unknown {
  if (!(error instanceof EgressError)) return error;
  const { code, message, remedy, retryable } = error;
  const known = isSocketErrorCode(code) ? code : 'connection_failed';
  // The cause's message is what the Worker learns beyond the documented text; the error behind it is for the log.
  const cause = new Error(error.detail, { cause: error });
  return new SocketError(known, { message, remedy, retryable, cause });
}

/** What an outlet refuses before anything is dialled. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly code: string;
  readonly remedy: string;

  constructor(code: string, message: string, remedy: string) {
    super(message);
    this.code = code;
    this.remedy = remedy;
  }
}

/** The stable code of what keeps a connection from being made. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof SocketError || error instanceof Refusal ? error.code : undefined;
}

/** What an error from `dialThrough` tells the log beyond its documented message. */
export function reasonOf(error: unknown): { detail?: string; remedy?: string } {
  if (error instanceof Refusal) return { detail: error.message, remedy: error.remedy };
  if (!(error instanceof SocketError) || !(error.cause instanceof Error)) return {};
  return { detail: error.cause.message, remedy: error.remedy };
}

/** The decision that an error from `dialThrough` carries. */
export function decisionOf(error: unknown): Decision | undefined {
  const cause = error instanceof SocketError && error.cause instanceof Error ? error.cause.cause : error;
  return cause instanceof EgressError ? cause.decision : undefined;
}
