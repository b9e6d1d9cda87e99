// Verdicts, remembered: a text that was seen before, but for its numbers and comments, costs a look-up.
import { classify, toUnread } from './classify.ts';
import { foldText } from './fold.ts';
import { isTooDeep } from './depth.ts';
import { maxParsedText, maxRememberedText, maxVerdicts } from './limits.ts';
import { Parser } from './parser.ts';
import type { QueryVerdict } from './query-verdict.ts';

export class Classifier {
  readonly #parser = new Parser();
  /** By folded text; used least recently first. */
  readonly #verdicts = new Map<string, QueryVerdict>();
  /** How many texts were parsed. */
  parsed = 0;

  /** Loads the grammar; verdicts before that are that nothing is known. */
  load(): Promise<void> {
    return this.#parser.load();
  }

  get isLoaded(): boolean {
    return this.#parser.isLoaded;
  }

  /** The verdict of a query's text, in the client's encoding. */
  verdictOf(text: Buffer): QueryVerdict {
    const folded = foldText(text.toString('latin1'));
    const known = this.#verdicts.get(folded);
    if (known !== undefined) {
      this.#verdicts.delete(folded);
      this.#verdicts.set(folded, known);
      return known;
    }
    if (folded.length > maxParsedText) return toUnread('oversizedquery', 'Its text is too long to be parsed.');
    return this.#judge(folded);
  }

  #judge(folded: string): QueryVerdict {
    const text = Buffer.from(folded, 'latin1').toString('utf8');
    const parsed = isTooDeep(folded) ? ({ kind: 'too-deep' } as const) : this.#parse(text);
    const verdict = Object.freeze(classify(parsed));
    if (parsed.kind === 'loading' || folded.length > maxRememberedText) return verdict;
    if (this.#verdicts.size >= maxVerdicts) this.#verdicts.delete(this.#verdicts.keys().next().value!);
    this.#verdicts.set(folded, verdict);
    return verdict;
  }

  #parse(text: string): ReturnType<Parser['parse']> {
    // What is blank has no tree, and a zero byte would end it early.
    if (text.trim() === '') return { kind: 'parsed', statements: [] };
    if (text.includes('\0')) return { kind: 'error', message: 'a zero byte' };
    this.parsed += 1;
    return this.#parser.parse(text);
  }
}
