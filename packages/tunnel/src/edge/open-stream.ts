// Waits for the connector's answer to one CONNECT.
import type { ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2';
import type { Clock } from '@sallyport/egress';
import { TunnelError } from '../link/tunnel-error.ts';

export interface AnswerOptions {
  clock: Clock;
  /** Milliseconds. */
  timeout: number;
  signal: AbortSignal | undefined;
  /** Why the stream closed without an answer. */
  lost: () => TunnelError;
}

export function awaitAnswer(stream: ClientHttp2Stream, options: AnswerOptions): Promise<IncomingHttpHeaders> {
  const { clock, timeout, signal } = options;
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      cancel();
      signal?.removeEventListener('abort', abort);
      stream.off('close', lost).off('response', answered);
    };
    const fail = (error: TunnelError): void => {
      settle();
      reject(error);
    };
    const answered = (headers: IncomingHttpHeaders): void => {
      settle();
      resolve(headers);
    };
    const lost = (): void => fail(options.lost());
    const abort = (): void => fail(new TunnelError('aborted', 'while opening', { cause: signal?.reason }));
    const cancel = clock.after(timeout, () =>
      fail(new TunnelError('connection_timeout', 'the connector did not answer')),
    );
    stream.once('close', lost).once('response', answered);
    signal?.addEventListener('abort', abort, { once: true });
  });
}

/** The promise's value, or `aborted` as soon as the signal says so. */
export async function unlessAborted<Value>(promise: Promise<Value>, signal: AbortSignal | undefined): Promise<Value> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(new TunnelError('aborted', 'while opening', { cause: signal.reason }));
    // Also when nobody waits any more: its rejection would end the process.
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
}
