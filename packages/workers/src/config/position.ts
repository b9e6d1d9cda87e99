// Places in a text: offsets to lines and columns, and the key paths that places are asked for by.

/** A place in a text, both 1-based. */
export interface Position {
  line: number;
  column: number;
}

/** The way to a value: keys and array indices from the root. */
export type Path = readonly (string | number)[];

/** Answers where the value at a path is written: the key for a member, the value for an array element. */
export type Locate = (path: Path) => Position | undefined;

/** Turns offsets of `text` into positions; offsets outside the text mean its nearest end. */
export function createLineIndex(text: string): (offset: number) => Position {
  const starts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return (offset) => {
    const bounded = Math.min(Math.max(offset, 0), text.length);
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (starts[middle]! <= bounded) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: bounded - starts[low]! + 1 };
  };
}

/** A path as people write it: `queues.consumers[0].queue`. */
export function formatPath(path: Path): string {
  return path
    .map((part, index) => {
      if (typeof part === 'number') return `[${part}]`;
      const text = /^[\w$-]+$/.test(part) ? part : JSON.stringify(part);
      return index === 0 ? text : `.${text}`;
    })
    .join('');
}
