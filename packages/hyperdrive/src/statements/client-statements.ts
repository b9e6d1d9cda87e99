// The named statements of one client, and what it takes for each to be there on the connection it has now.
//
// A client may send a Parse and rely on it before it was answered. Whether that Parse succeeded only the origin knows,
// so until it answers, the name stands for what that Parse made at the origin, and for nothing else: requests that
// rely on it fail exactly where they would without a pooler.
import { Frontend, toBareReply, toClose } from '@sallyport/postgres-wire';
import { HyperdriveError } from '../errors.ts';
import { maxClientStatementBytes, maxClientStatements } from '../limits.ts';
import type { OriginConnection } from '../origin/origin-connection.ts';
import type { HeldStatement, Statement, StatementRegistry } from './statements.ts';

interface Named {
  statement: Statement;
  /** What the client's own Parse makes at the origin, until that has answered. */
  sent: HeldStatement | undefined;
  /** Parses with this name that the origin has not answered. */
  attempts: number;
  /** One of them succeeded. */
  isThere: boolean;
}

/** No statement has this name, so closing it does nothing, in its turn. */
export const closeOfNothing: Buffer = toClose('statement', 'sallyport_0');
/**
 * What is prepared where a name has to be taken. It can be prepared at any time: a client's own statement could fail to
 * be, because its table is gone or the transaction has failed, and that would be another error than the client's.
 */
const taken: Statement = { key: 'rollback\0\0\0', body: Buffer.from('rollback\0\0\0'), uses: 1 };
const parseComplete = toBareReply('ParseComplete');

export function toNamedParse(name: Buffer, body: Buffer): Buffer {
  const message = Buffer.allocUnsafe(6 + name.length + body.length);
  message[0] = Frontend.Parse;
  message.writeUInt32BE(message.length - 1, 1);
  message.set(name, 5);
  message[5 + name.length] = 0;
  message.set(body, 6 + name.length);
  return message;
}

export class ClientStatements {
  readonly #registry: StatementRegistry;
  readonly #maxPrepared: number;
  readonly #names = new Map<string, Named>();
  #bytes = 0;
  #isOver = false;

  constructor({ registry, maxPrepared }: { registry: StatementRegistry; maxPrepared: number }) {
    this.#registry = registry;
    this.#maxPrepared = maxPrepared;
  }

  /** The client prepares; returns what goes to the origin. `body` is the Parse behind its name. */
  parse(connection: OriginConnection, name: string, body: Buffer): Buffer {
    const present = this.#names.get(name);
    if (present?.sent !== undefined) return this.#parseAgain(connection, { name, present, sent: present.sent }, body);
    if (present !== undefined) {
      // The origin refuses a second statement of one name: in its turn, and only if nothing else is wrong with it.
      const { before, name: ours } = this.#ensureHeld(connection, taken);
      connection.tracker.sent(Frontend.Parse);
      return Buffer.concat([...before, toNamedParse(ours, body)]);
    }
    const named = this.#add(name, body);
    const { statement } = named;
    const { tracker } = connection;
    // With nothing before it that can fail, and no failed transaction, there is nothing to do: the origin has it.
    const isSafe = tracker.outstanding === 0 && tracker.status !== 'E';
    if (isSafe && connection.held.find(statement, connection.unit) !== undefined) {
      connection.tracker.sent(Frontend.Close, {
        replaceBy: parseComplete,
        done: () => this.#succeeded(named),
        skipped: () => this.#failed(name, named),
      });
      return closeOfNothing;
    }
    const before = this.#makeRoom(connection);
    const held = connection.held.add(statement, connection.unit);
    named.sent = held;
    held.claims += 1;
    connection.tracker.sent(Frontend.Parse, {
      done: () => {
        connection.held.confirm(held);
        this.#succeeded(named);
      },
      skipped: () => {
        connection.held.remove(held);
        this.#failed(name, named);
      },
    });
    return Buffer.concat([...before, toNamedParse(held.name, body)]);
  }

  /** The Parse behind its name, if the statement is there for certain. */
  bodyOf(name: string): Buffer | undefined {
    const named = this.#names.get(name);
    return named?.sent === undefined ? named?.statement.body : undefined;
  }

  /** The same, as the object that connections know it by. */
  statementOf(name: string): Statement | undefined {
    const named = this.#names.get(name);
    return named?.sent === undefined ? named?.statement : undefined;
  }

  /** The client has prepared this as far as it knows, though no origin was asked. The name is free. */
  adopt(name: string, body: Buffer): void {
    this.#succeeded(this.#add(name, body));
  }

  /** Our name for a client's, and what has to be sent before it is used. Undefined: the client has no such statement. */
  find(connection: OriginConnection, name: string): { before: Buffer[]; name: Buffer } | undefined {
    const named = this.#names.get(name);
    if (named === undefined) return undefined;
    if (named.sent !== undefined) return { before: [], name: named.sent.name };
    return this.#ensureHeld(connection, named.statement);
  }

  /** The client gives a name up, unless an error makes the origin skip that. Goes with `closeOfNothing`. */
  closeStatement(connection: OriginConnection, name: string): void {
    const named = this.#names.get(name);
    this.#names.delete(name);
    connection.tracker.sent(
      Frontend.Close,
      named && {
        done: () => this.#release(named),
        skipped: () => {
          if (this.#isOver || this.#names.has(name)) this.#release(named);
          else this.#names.set(name, named);
        },
      },
    );
  }

  /** The client is gone, or has forgotten all of them: none comes back. */
  clear(): void {
    this.#isOver = true;
    for (const named of this.#names.values()) this.#release(named);
    this.#names.clear();
  }

  /** A second Parse of a name whose first is not answered: the origin knows whether the name is free. */
  #parseAgain(
    connection: OriginConnection,
    { name, present, sent }: { name: string; present: Named; sent: HeldStatement },
    body: Buffer,
  ): Buffer {
    const statement = this.#registry.intern(body);
    present.attempts += 1;
    connection.tracker.sent(Frontend.Parse, {
      done: () => {
        this.#bytes += body.length - present.statement.body.length;
        this.#registry.release(present.statement);
        present.statement = statement;
        this.#succeeded(present);
        connection.held.confirm({ statement, name: sent.name, isConfirmed: true, unit: connection.unit, claims: 0 });
      },
      skipped: () => {
        this.#registry.release(statement);
        this.#failed(name, present);
      },
    });
    return toNamedParse(sent.name, body);
  }

  #add(name: string, body: Buffer): Named {
    if (this.#names.size >= maxClientStatements || this.#bytes + body.length > maxClientStatementBytes) {
      throw new HyperdriveError('too_many_statements', `A client may have ${maxClientStatements} prepared statements`);
    }
    const named: Named = { statement: this.#registry.intern(body), sent: undefined, attempts: 1, isThere: false };
    this.#names.set(name, named);
    this.#bytes += body.length;
    return named;
  }

  #succeeded(named: Named): void {
    named.isThere = true;
    named.attempts -= 1;
    if (named.attempts === 0) this.#settle(named);
  }

  /** One Parse of a name failed or was skipped; the name is free when none succeeded and none is to come. */
  #failed(name: string, named: Named): void {
    named.attempts -= 1;
    if (named.attempts > 0) return;
    this.#settle(named);
    if (named.isThere || this.#names.get(name) !== named) return;
    this.#names.delete(name);
    this.#release(named);
  }

  /** The origin has answered every Parse of a name. */
  #settle(named: Named): void {
    if (named.sent !== undefined) named.sent.claims -= 1;
    named.sent = undefined;
  }

  #release({ statement }: Named): void {
    this.#bytes -= statement.body.length;
    this.#registry.release(statement);
  }

  #ensureHeld(connection: OriginConnection, statement: Statement): { before: Buffer[]; name: Buffer } {
    const present = connection.held.find(statement, connection.unit);
    if (present !== undefined) return { before: [], name: present.name };
    const before = this.#makeRoom(connection);
    const held = connection.held.add(statement, connection.unit);
    connection.tracker.sent(Frontend.Parse, {
      replaceBy: false,
      done: () => connection.held.confirm(held),
      skipped: () => connection.held.remove(held),
    });
    return { before: [...before, toNamedParse(held.name, statement.body)], name: held.name };
  }

  /** Closes the statement that was used least recently when there are as many as may be, and those nobody can reach. */
  #makeRoom(connection: OriginConnection): Buffer[] {
    return connection.held.takeSurplus(this.#maxPrepared).map((held) => {
      connection.tracker.sent(Frontend.Close, { replaceBy: false, skipped: () => connection.held.giveBack(held) });
      return toClose('statement', held.name.toString('latin1'));
    });
  }
}
