// Whether a text might be a tree too deep for the grammar's stack. Counts what can make one deep: brackets inside each
// other, and chains of operators or of certain words. Strings are counted as code, which errs on the safe side.
import { maxChained, maxNesting } from './limits.ts';

const links =
  /[-+*/<>=~!@#%^&|`?:[.]+|\b(?:and|or|not|is|isnull|notnull|at|collate|case|join|union|intersect|except|select|in|like|ilike|between|over)\b/gi;

export function isTooDeep(text: string): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 40 || code === 91) {
      depth += 1;
      if (depth > maxNesting) return true;
    } else if (code === 41 || code === 93) depth -= 1;
  }
  if (text.length < 2 * maxChained) return false;
  let chained = 0;
  links.lastIndex = 0;
  while (links.test(text)) {
    chained += 1;
    if (chained > maxChained) return true;
  }
  return false;
}
