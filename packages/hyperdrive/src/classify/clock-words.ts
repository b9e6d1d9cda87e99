// Strings that date and time types read as the time of the query [pg 8.5.1.4], as far as a glance tells.

/** Longer ones are no date. */
const longest = 40;
const words = /\b(?:now|today|tomorrow|yesterday)\b/i;

export function isClock(text: string): boolean {
  return text.length <= longest && words.test(text);
}
