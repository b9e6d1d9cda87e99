// A session until its client is in: the login, and what the client is told at the end of it. A CancelRequest ends here.
import { toBackendKeyData, toParameterStatus, toReadyForQuery } from '@sallyport/postgres-wire';
import type { WireError } from '@sallyport/postgres-wire';
import type { Cancellable, CancelKey } from './cancel-keys.ts';
import { ClientLogin } from './client-login.ts';
import type { ClientCredentials, LoginOutcome } from './client-login.ts';
import type { ClientStream } from './client-stream.ts';
import type { SessionContext } from './session-context.ts';
import { HyperdriveError, toClientError } from '../errors.ts';
import { loginTimeout } from '../limits.ts';

export interface Welcome {
  settings: string;
  key: CancelKey;
  /** What the client sent behind its password. */
  rest: Buffer;
}

export interface LoginEnds {
  client: Cancellable;
  credentials: ClientCredentials;
  welcomed(welcome: Welcome): void;
  /** The stream is over; with an error, the client is told. */
  ended(error?: HyperdriveError | WireError): void;
}

export class LoginPhase {
  readonly #stream: ClientStream;
  readonly #context: SessionContext;
  readonly #ends: LoginEnds;
  readonly #login: ClientLogin;
  readonly #cancelTimer: () => void;
  #isOver = false;

  constructor(stream: ClientStream, context: SessionContext, ends: LoginEnds) {
    this.#stream = stream;
    this.#context = context;
    this.#ends = ends;
    this.#login = new ClientLogin(ends.credentials, (bytes) => stream.write(bytes));
    this.#cancelTimer = context.clock.after(loginTimeout, () =>
      ends.ended(new HyperdriveError('login_timeout', 'The client did not log in in time')),
    );
  }

  push(chunk: Buffer): void {
    let outcome: LoginOutcome | undefined;
    try {
      outcome = this.#login.push(chunk);
    } catch (error) {
      this.#ends.ended(toClientError(error));
      return;
    }
    if (outcome?.kind === 'cancel') {
      this.#context.cancelKeys.find(outcome)?.cancel();
      this.#ends.ended();
    } else if (outcome !== undefined) {
      void this.#welcome(outcome);
    }
  }

  /** Idempotent; nothing is said after it. */
  close(): void {
    this.#isOver = true;
    this.#cancelTimer();
  }

  async #welcome({ settings, minor, rest }: LoginOutcome & { kind: 'in' }): Promise<void> {
    const { pool, cancelKeys } = this.#context;
    // Nothing is read until the origin was heard; that takes no longer than a connection may.
    this.#cancelTimer();
    this.#stream.pause();
    let parameters: ReadonlyMap<string, string>;
    try {
      parameters = await pool.parameters(settings);
    } catch (error) {
      if (!this.#isOver) this.#ends.ended(error as HyperdriveError);
      return;
    }
    if (this.#isOver) return;
    const key = cancelKeys.add(this.#ends.client, minor);
    this.#stream.write(
      Buffer.concat([
        ...[...parameters].map(([name, value]) => toParameterStatus(name, value)),
        toBackendKeyData(key.processId, key.secretKey),
        toReadyForQuery('I'),
      ]),
    );
    this.#ends.welcomed({ settings, key, rest });
  }
}
