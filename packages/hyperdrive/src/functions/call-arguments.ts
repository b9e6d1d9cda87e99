// The arguments of a call as texts, read from behind its opening bracket, as far as a glance tells.

export interface CallArguments {
  readonly list: readonly string[];
  /** Behind the closing bracket. */
  readonly end: number;
}

/** What is not worth reading: comments, and strings with rules of their own. */
const odd = /--|\/\*|\\|\$[A-Za-z_\x80-\xff]*\$/y;

/** Undefined when they cannot be told: the bracket is never closed, or something odd is in there. */
export function readArguments(text: string, start: number): CallArguments | undefined {
  const list: string[] = [];
  let depth = 1;
  let from = start;
  for (let at = start; at < text.length; at += 1) {
    const character = text[at]!;
    odd.lastIndex = at;
    if (odd.test(text)) return undefined;
    if (character === "'" || character === '"') {
      const close = text.indexOf(character, at + 1);
      if (close === -1 || text.slice(at, close).includes('\\')) return undefined;
      at = close;
    } else if (character === '(' || character === '[') depth += 1;
    else if (character === ')' || character === ']') {
      depth -= 1;
      if (depth === 0) {
        list.push(text.slice(from, at).trim());
        return { list, end: at + 1 };
      }
    } else if (character === ',' && depth === 1) {
      list.push(text.slice(from, at).trim());
      from = at + 1;
    }
  }
  return undefined;
}

const settingCall = /\bset_config\b"?\s*(\()?/gi;
const isLocal = /^(?:is_local\s*(?::=|=>)\s*)?(?:true|'(?:t|true)')(?:\s*::\s*bool(?:ean)?)?$/i;

/** Whether `set_config` is called in a way that may outlive the transaction: not with a `true` as its third argument. */
export function setsForSession(text: string): boolean {
  settingCall.lastIndex = 0;
  for (let call = settingCall.exec(text); call !== null; call = settingCall.exec(text)) {
    if (call[1] === undefined) return true;
    const last = readArguments(text, settingCall.lastIndex)?.list;
    if (last?.length !== 3 || !isLocal.test(last[2]!)) return true;
  }
  return false;
}
