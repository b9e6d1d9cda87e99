// Bounds of the classifier.

/** Characters of a folded text that is parsed: about 10 ms of work. Longer ones are `oversizedquery`. */
export const maxParsedText = 65_536;
/** Characters of a folded text that is remembered. */
export const maxRememberedText = 16_384;
/** Texts that are remembered: with the bound above, at most 64 MiB, and usually 1. */
export const maxVerdicts = 4_096;
/** Brackets inside each other. */
export const maxNesting = 150;
/** Operators, and words that can make a chain, in one text. */
export const maxChained = 1_000;
