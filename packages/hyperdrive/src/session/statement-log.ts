// What a client has sent over the connection it holds, until it gives that back: whether any of it calls something that
// leaves its mark on the session is asked then, when the origin's functions are known.
import type { OriginKnowledge } from '../cache/origin-knowledge.ts';
import type { StatefulNames } from '../functions/stateful-names.ts';
import { maxLoggedBytes, maxLoggedTexts, maxUnknownBytes, maxUnknownTexts } from '../limits.ts';
import type { OriginConnection } from '../origin/origin-connection.ts';
import type { OriginPool } from '../origin/origin-pool.ts';

/** `unknown`: nobody knows the origin's functions, or did when some of it was sent. */
export type Judgement = 'stateless' | 'stateful' | 'unknown';

/** What calls no function of a user's, whatever the origin has. */
const plain =
  /^[\s;]*(?:(?:begin|commit|rollback|end|abort)(?:\s+(?:work|transaction))?|show\s+[\w.\s]+|select\s+\d+)?[\s;\0]*$/i;

/** A function that is made or dropped, which calls it no more than its name does. */
const declared = /\b(?:function|procedure|routine|aggregate)\s+(?:if\s+exists\s+)?[\w.$"\x80-\xff]+\s*\(/gi;

/** Of those who have sent nothing since; nobody adds to it. */
const none: Buffer[] = [];

export class StatementLog {
  readonly #origin: { readonly knowledge?: OriginKnowledge | undefined };
  #texts: Buffer[] = none;
  #bytes = 0;
  /** What judged those that are not kept. */
  #judgedBy: StatefulNames | 'nobody' | undefined;
  #isStateful = false;
  /** What was known when the last came; a function may be gone, or another one, when it is judged. */
  #knownThen: StatefulNames | undefined;

  constructor(origin: { readonly knowledge?: OriginKnowledge | undefined }) {
    this.#origin = origin;
  }

  /** Undefined is something that may have called anything. */
  note(text: Buffer | undefined): void {
    if (this.#origin.knowledge === undefined) return;
    if (text === undefined) {
      this.#isStateful = true;
      return;
    }
    const { known } = this.#origin.knowledge;
    if (known !== this.#knownThen) {
      if (this.#wereStateful) this.#isStateful = true;
      this.#knownThen = known;
    }
    if (this.#texts.at(-1) === text) return;
    if (this.#texts === none) this.#texts = [text];
    else this.#texts.push(text);
    this.#bytes += text.length;
    if (this.#texts.length <= maxLoggedTexts && this.#bytes <= maxLoggedBytes) return;
    // While nothing can be judged, more is kept.
    const isKnown = this.#origin.knowledge.stateful !== undefined;
    if (isKnown || this.#texts.length > maxUnknownTexts || this.#bytes > maxUnknownBytes) this.#drop();
  }

  judge(knowledge: OriginKnowledge | undefined = this.#origin.knowledge): Judgement {
    if (knowledge === undefined) return 'stateless';
    const names = knowledge.stateful;
    if (this.#isStateful || (names !== this.#knownThen && this.#wereStateful)) return 'stateful';
    const isJudged = this.#judgedBy === undefined || this.#judgedBy === names;
    if (names === undefined || !isJudged) {
      return this.#judgedBy === undefined && this.#texts.every((text) => plain.test(text.toString('latin1')))
        ? 'stateless'
        : 'unknown';
    }
    return !names.isEmpty && this.#texts.some((text) => names.areIn(text)) ? 'stateful' : 'stateless';
  }

  /** By what was known when they came. */
  get #wereStateful(): boolean {
    const names = this.#knownThen;
    if (names === undefined || names.isEmpty) return false;
    const texts = this.#texts.map((text) => text.toString('latin1').replace(declared, ' '));
    return texts.some((text) => names.areIn(Buffer.from(text, 'latin1')));
  }

  /** Finds out what nobody knows, over the connection itself unless that is lost. It has no holder meanwhile. */
  async findOut(connection: OriginConnection, pool: OriginPool): Promise<Judgement> {
    const knowledge = this.#origin.knowledge!;
    // A cancel request that was given up may come yet, and hit a query of ours.
    if (connection.isDoubtful) pool.discard(connection);
    await knowledge.learn(connection);
    if (connection.isClosed || !connection.tracker.idle) {
      pool.discard(connection);
      // There may have been nothing in it that anybody would miss.
      if (this.judge(knowledge) === 'unknown') await knowledge.load();
    }
    return this.judge(knowledge);
  }

  clear(): void {
    this.#texts = none;
    this.#bytes = 0;
    this.#judgedBy = undefined;
    this.#knownThen = undefined;
    this.#isStateful = false;
  }

  /** Too much to be kept: it is judged now, and again at the end only if more became known meanwhile. */
  #drop(): void {
    const judged = this.judge();
    const names = this.#origin.knowledge?.stateful;
    if (judged === 'stateful') this.#isStateful = true;
    if (judged === 'unknown') this.#judgedBy = 'nobody';
    else if (names !== undefined) this.#judgedBy = names;
    this.#texts = none;
    this.#bytes = 0;
  }
}
