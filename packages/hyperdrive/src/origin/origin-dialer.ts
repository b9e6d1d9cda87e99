// Makes connections to the origin: those that serve, and the short ones that cancel what another runs.
import { toCancelRequest } from '@sallyport/postgres-wire';
import { within } from '../clock.ts';
import type { Clock } from '../clock.ts';
import { HyperdriveError } from '../errors.ts';
import { OriginConnection } from './origin-connection.ts';
import { logIn, startEncryption } from './origin-login.ts';
import type { Origin } from './origin.ts';

export interface OriginDialerOptions {
  clock: Clock;
  connectTimeout: number;
  cancelTimeout: number;
}

export class OriginDialer {
  /** New connections are made by another one. */
  isOutdated = false;
  readonly #origin: Origin;
  readonly #options: OriginDialerOptions;

  constructor(origin: Origin, options: OriginDialerOptions) {
    this.#origin = origin;
    this.#options = options;
  }

  /** A connection that is ready for queries. Rejects with a `HyperdriveError`. */
  async connect(): Promise<OriginConnection> {
    const { clock, connectTimeout } = this.#options;
    const controller = new AbortController();
    const dialled = this.#origin.dial({ signal: controller.signal });
    const login = async (): Promise<OriginConnection> => {
      const stream = await dialled;
      stream.on('error', () => {});
      return new OriginConnection(await logIn(stream, this.#origin), this, clock.now());
    };
    try {
      return await within(connectTimeout, login(), clock);
    } catch (error) {
      controller.abort(error);
      dialled.then(
        (stream) => stream.destroy(),
        () => {},
      );
      if (error instanceof HyperdriveError) throw error;
      throw new HyperdriveError('connect_failed', `Server connection attempt failed: ${reasonOf(error)}`, {
        cause: error,
      });
    }
  }

  /** Asks the origin to cancel what a connection runs; resolves when it has passed that on. */
  async cancel({ processId, secretKey }: OriginConnection): Promise<void> {
    const { clock, cancelTimeout } = this.#options;
    const controller = new AbortController();
    const dialled = this.#origin.dial({ signal: controller.signal });
    const send = async (): Promise<void> => {
      const plain = await dialled;
      plain.on('error', () => {});
      const { stream } = await startEncryption(plain, this.#origin);
      stream.on('error', () => {});
      // The server closes once the signal is sent; the stream may be one that stays half open then.
      const passedOn = new Promise<void>((resolve) => stream.once('end', resolve).once('close', resolve));
      stream.resume();
      stream.write(toCancelRequest(processId, secretKey));
      await passedOn;
    };
    try {
      await within(cancelTimeout, send(), clock);
    } finally {
      controller.abort();
      dialled.then(
        (stream) => stream.destroy(),
        () => {},
      );
    }
  }
}

/** The reason of a failed dial, as Hyperdrive words it. */
function reasonOf(error: unknown): string {
  const { code, message } = error as { code?: unknown; message?: string };
  if (code === 'ECONNREFUSED') return 'connection_refused';
  if (code === 'ETIMEDOUT') return 'timed_out';
  return typeof code === 'string' ? code.toLowerCase() : (message ?? 'unknown');
}
