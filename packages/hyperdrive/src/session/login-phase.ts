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

type LoggedIn = LoginOutcome & { kind: 'in' };

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
      this.#welcome(outcome);
    }
  }

  /** Idempotent; nothing is said after it. */
  close(): void {
    this.#isOver = true;
    this.#cancelTimer();
  }

  /** At once when it is known what the origin reports: then the client hears everything in one piece. */
  #welcome(outcome: LoggedIn): void {
    this.#cancelTimer();
    const known = this.#context.pool.knownParameters(outcome.settings);
    if (known !== undefined) {
      this.#letIn(outcome, known, outcome.answer);
      return;
    }
    this.#stream.write(outcome.answer);
    // Nothing is read until the origin was heard; that takes no longer than a connection may.
    this.#stream.pause();
    this.#context.pool.parameters(outcome.settings).then(
      (parameters) => {
        if (!this.#isOver) this.#letIn(outcome, parameters, Buffer.alloc(0));
      },
      (error: unknown) => {
        if (!this.#isOver) this.#ends.ended(error as HyperdriveError);
      },
    );
  }

  #letIn({ settings, minor, rest }: LoggedIn, parameters: ReadonlyMap<string, string>, before: Buffer): void {
    const key = this.#context.cancelKeys.add(this.#ends.client, minor);
    const { processId, secretKey } = key;
    const after = [toBackendKeyData(processId, secretKey), toReadyForQuery('I')];
    this.#stream.write(Buffer.concat([before, toParameterStatuses(parameters), ...after]));
    this.#ends.welcomed({ settings, key, rest });
  }
}

/** Written once for all clients with the same settings. */
const written = new WeakMap<ReadonlyMap<string, string>, Buffer>();

function toParameterStatuses(parameters: ReadonlyMap<string, string>): Buffer {
  let bytes = written.get(parameters);
  if (bytes === undefined) {
    bytes = Buffer.concat([...parameters].map(([name, value]) => toParameterStatus(name, value)));
    written.set(parameters, bytes);
  }
  return bytes;
}
