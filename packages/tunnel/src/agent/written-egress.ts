// Dialling what an ingress rule names: the operator wrote the address down, so it may be any, also this machine's own.
import { connect as connectPath } from 'node:net';
import type { Duplex } from 'node:stream';
import { type Clock, createEgress, definePolicy, type Egress, type Resolve } from '@sallyport/egress';
import { TunnelError } from '../link/tunnel-error.ts';

const everything = definePolicy([
  { action: 'allow', to: '0.0.0.0/0' },
  { action: 'allow', to: '::/0' },
]);

export function createWrittenEgress(options: { resolve?: Resolve | undefined; clock: Clock }): Egress {
  return createEgress({ ...options, policy: everything });
}

export interface DialSocketOptions {
  signal: AbortSignal;
  clock: Clock;
  /** Milliseconds. */
  timeout: number;
}

/** Connects to a unix socket. Half-open allowed. */
export function dialSocket(path: string, { signal, clock, timeout }: DialSocketOptions): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket = connectPath({ path, allowHalfOpen: true });
    const settle = (): void => {
      cancel();
      signal.removeEventListener('abort', abort);
      socket.off('error', failed).on('error', () => {});
    };
    const give = (error: Error): void => {
      settle();
      socket.destroy();
      reject(error);
    };
    const failed = (cause: NodeJS.ErrnoException): void => {
      const code =
        cause.code === 'ECONNREFUSED' || cause.code === 'ENOENT' ? 'connection_refused' : 'connection_failed';
      give(new TunnelError(code, cause.message, { cause }));
    };
    const abort = (): void => give(new TunnelError('aborted', 'while connecting', { cause: signal.reason }));
    const cancel = clock.after(timeout, () =>
      give(new TunnelError('connection_timeout', `nobody accepted at ${path} in time`)),
    );
    socket.once('error', failed).once('connect', () => {
      settle();
      resolve(socket);
    });
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
}
