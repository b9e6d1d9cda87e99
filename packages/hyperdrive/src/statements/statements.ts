// Prepared statements: what clients prepared, by their names; what an origin connection holds, by ours.
//
// A client's name means its own statement, whichever origin connection it gets. Texts are interned, so a thousand
// clients that prepare the same text share one copy, and an origin connection prepares it once for all of them.

/** Stands for an unnamed statement of which nobody knows whose it is: it is to be replaced before anybody uses it. */
export const anybodys: Buffer = Buffer.alloc(0);

/** One text with its parameter types. Statements with the same `key` are the same object. */
export interface Statement {
  /** Text, zero byte, count and types, as in a Parse behind the name; one character per byte. */
  readonly key: string;
  readonly body: Buffer;
  /** Clients' names that mean it. */
  uses: number;
}

export class StatementRegistry {
  readonly #statements = new Map<string, Statement>();

  get size(): number {
    return this.#statements.size;
  }

  /** The statement of a Parse whose fields behind the name are `body`. Each call has to be met by a `release()`. */
  intern(body: Buffer): Statement {
    const key = body.toString('latin1');
    let statement = this.#statements.get(key);
    if (statement === undefined) {
      // A copy: what came in is part of a chunk that may be much larger.
      statement = { key, body: Buffer.from(body), uses: 0 };
      this.#statements.set(key, statement);
    }
    statement.uses += 1;
    return statement;
  }

  release(statement: Statement): void {
    statement.uses -= 1;
    if (statement.uses === 0) this.#statements.delete(statement.key);
  }
}

/** A statement on one origin connection. */
export interface HeldStatement {
  statement: Statement;
  /** Our name for it there, never used twice on a connection. */
  name: Buffer;
  /** Whether the origin confirmed it; until then, only requests up to the next Sync may rely on it. */
  isConfirmed: boolean;
  /** The unit (requests up to a Sync) in which it was sent. */
  unit: number;
  /** Names of clients that mean it until the origin has answered: as long as there are any, it is not given up. */
  claims: number;
}

/** What one origin connection holds, least recently used first. */
export class HeldStatements {
  readonly #held = new Map<string, HeldStatement>();
  /** At the origin still, under names that no entry has any more. */
  #unreachable: HeldStatement[] = [];
  #names = 0;

  get size(): number {
    return this.#held.size;
  }

  /** The statement as the connection holds it now, if requests of this unit can rely on it. */
  find(statement: Statement, unit: number): HeldStatement | undefined {
    const held = this.#held.get(statement.key);
    if (held === undefined || (!held.isConfirmed && held.unit !== unit)) return undefined;
    this.#held.delete(statement.key);
    this.#held.set(statement.key, held);
    return held;
  }

  /** A new entry, under a new name. */
  add(statement: Statement, unit: number): HeldStatement {
    this.#names += 1;
    const held = { statement, name: Buffer.from(`sallyport_${this.#names}`), isConfirmed: false, unit, claims: 0 };
    // What the origin confirmed stays until something newer is confirmed too: this may fail.
    if (this.#held.get(statement.key)?.isConfirmed !== true) this.put(held);
    return held;
  }

  confirm(held: HeldStatement): void {
    held.isConfirmed = true;
    if (this.#held.get(held.statement.key) !== held) this.put(held);
  }

  /** Makes this the entry that counts for its statement. */
  put(held: HeldStatement): void {
    const { key } = held.statement;
    const before = this.#held.get(key);
    if (before?.isConfirmed === true && !before.name.equals(held.name)) this.#unreachable.push(before);
    this.#held.delete(key);
    this.#held.set(key, held);
  }

  /** Forgets this entry, if it is still the one that counts. */
  remove(held: HeldStatement): void {
    if (this.#held.get(held.statement.key) === held) this.#held.delete(held.statement.key);
  }

  /**
   * Takes out what has to be closed before there is one more. What is on its way to the origin stays, so a pipeline that
   * prepares more than may be kept goes beyond that until it is over.
   */
  takeSurplus(most: number): HeldStatement[] {
    const surplus = this.#unreachable.filter(({ claims }) => claims === 0);
    if (surplus.length > 0) this.#unreachable = this.#unreachable.filter(({ claims }) => claims > 0);
    if (this.#held.size < most) return surplus;
    for (const [key, held] of this.#held) {
      if (!held.isConfirmed || held.claims > 0) continue;
      this.#held.delete(key);
      surplus.push(held);
      if (this.#held.size < most) break;
    }
    return surplus;
  }

  /** An entry that was to be closed is there still. */
  giveBack(held: HeldStatement): void {
    if (this.#held.has(held.statement.key)) this.#unreachable.push(held);
    else this.#held.set(held.statement.key, held);
  }

  /** After DISCARD ALL or DEALLOCATE ALL. Names are not used again, so a statement that survived is in nobody's way. */
  clear(): void {
    this.#held.clear();
    this.#unreachable = [];
  }
}
