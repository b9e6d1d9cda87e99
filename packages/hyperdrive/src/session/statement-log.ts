// What a client has sent over the connection it holds, until it gives that back: whether any of it calls something that
// leaves its mark on the session is asked then, when the origin's functions are known.
import type { StatefulNames } from '../functions/stateful-names.ts';
import { maxLoggedBytes, maxLoggedTexts } from '../limits.ts';

/** `unknown`: nobody knows the origin's functions, or did when some of it was sent. */
export type Judgement = 'stateless' | 'stateful' | 'unknown';

/** What calls no function of a user's, whatever the origin has. */
const plain =
  /^[\s;]*(?:(?:begin|commit|rollback|end|abort)(?:\s+(?:work|transaction))?|show\s+[\w.\s]+|select\s+\d+)?[\s;\0]*$/i;

export class StatementLog {
  #texts: Buffer[] = [];
  #bytes = 0;
  /** What judged those that are not kept. */
  #judgedBy: StatefulNames | 'nobody' | undefined;
  #isStateful = false;

  /** `names`: what is known now. */
  note(text: Buffer, names: StatefulNames | undefined): void {
    if (this.#texts.at(-1) === text) return;
    this.#texts.push(text);
    this.#bytes += text.length;
    if (this.#texts.length > maxLoggedTexts || this.#bytes > maxLoggedBytes) this.#drop(names);
  }

  /** Something was sent that may have called anything. */
  noteAnything(): void {
    this.#isStateful = true;
  }

  judge(names: StatefulNames | undefined): Judgement {
    if (this.#isStateful) return 'stateful';
    const isJudged = this.#judgedBy === undefined || this.#judgedBy === names;
    if (names === undefined || !isJudged) {
      return this.#judgedBy === undefined && this.#texts.every((text) => plain.test(text.toString('latin1')))
        ? 'stateless'
        : 'unknown';
    }
    return !names.isEmpty && this.#texts.some((text) => names.areIn(text)) ? 'stateful' : 'stateless';
  }

  clear(): void {
    if (this.#texts.length > 0) this.#texts = [];
    this.#bytes = 0;
    this.#judgedBy = undefined;
    this.#isStateful = false;
  }

  /** Too much to be kept: it is judged now, and again at the end only if more became known meanwhile. */
  #drop(names: StatefulNames | undefined): void {
    const judged = this.judge(names);
    if (judged === 'stateful') this.#isStateful = true;
    if (judged === 'unknown') this.#judgedBy = 'nobody';
    else if (names !== undefined) this.#judgedBy = names;
    this.#texts = [];
    this.#bytes = 0;
  }
}
