// What is known of queries that differ in their numbers only: how long they take, how much they answer, and whether
// they may share a connection. Only reads whose functions are harmless may, by the origin's own catalogue.
import type { Catalogue } from '../cache/catalogue.ts';
import type { Environment, OriginKnowledge } from '../cache/origin-knowledge.ts';
import type { Classifier } from '../classify/classifier.ts';
import { foldText } from '../classify/fold.ts';
import type { QueryVerdict } from '../classify/query-verdict.ts';
import { maxQueryShapes, maxShapeText, minRunsToShare, sharedQueryTime } from '../limits.ts';

/** How much the newest time counts. */
const weight = 0.1;

export class QueryShape {
  /** Milliseconds that it takes, lately. */
  time = 0;
  runs = 0;
  /** It once answered more than may be shared. */
  isBig = false;
  #verdict: QueryVerdict | undefined;
  #catalogue: Catalogue | undefined;
  #environment: Environment | undefined;
  #isHarmless = false;

  observe(milliseconds: number): void {
    this.time = this.runs === 0 ? milliseconds : this.time + weight * (milliseconds - this.time);
    this.runs += 1;
  }

  /** It held others up: it has to be fast for a while before it is shared again. */
  wasSlow(milliseconds: number): void {
    this.time = Math.max(this.time, milliseconds);
    this.runs = 1;
  }

  get isFast(): boolean {
    return this.runs >= minRunsToShare && this.time < sharedQueryTime && !this.isBig;
  }

  /** Whether running it on anybody's connection, and twice, changes nothing. Unknown counts as no. */
  isHarmless(text: Buffer, settings: string, { knowledge, classifier }: ShapeSources): boolean {
    const { catalogue } = knowledge;
    const environment = knowledge.environmentOf(settings);
    if (catalogue === undefined || environment === undefined || environment.problem !== undefined) return false;
    if (catalogue !== this.#catalogue || environment !== this.#environment) {
      this.#catalogue = catalogue;
      this.#environment = environment;
      this.#verdict ??= classifier.verdictOf(text);
      const { isReadOnly, uncacheable } = this.#verdict;
      const resolution = isReadOnly && uncacheable === undefined && catalogue.resolve(this.#verdict, environment);
      this.#isHarmless = resolution !== false && resolution.kind === 'cacheable' && !catalogue.stateful.areIn(text);
      if (resolution !== false && resolution.kind !== 'cacheable' && resolution.isUnknown) knowledge.doubt();
    }
    return this.#isHarmless;
  }
}

export interface ShapeSources {
  knowledge: OriginKnowledge;
  classifier: Classifier;
}

/** Whether a text may begin a read: nearly all others are told by one byte. */
const mayBegin = new Uint8Array(256);
for (const character of '(sSvVwWtT \t\r\n/-') mayBegin[character.charCodeAt(0)] = 1;

export class QueryShapes {
  /** By folded text; those that came last are last. */
  readonly #shapes = new Map<string, QueryShape>();

  of(text: Buffer): QueryShape | undefined {
    if (text.length === 0 || text.length > maxShapeText || mayBegin[text[0]!] === 0) return undefined;
    const folded = foldText(text.toString('latin1'));
    const known = this.#shapes.get(folded);
    if (known !== undefined) return known;
    if (this.#shapes.size >= maxQueryShapes) this.#shapes.delete(this.#shapes.keys().next().value!);
    const shape = new QueryShape();
    this.#shapes.set(folded, shape);
    return shape;
  }
}
