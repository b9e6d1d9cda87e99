// JSON with comments and trailing commas, by jsonc-parser, which keeps the offset of everything.
import { createScanner, parseTree, printParseErrorCode, type Node, type ParseError } from 'jsonc-parser';
import { maxProblems, toProblem, type ParsedText, type TextProblem } from './text-problem.ts';
import { createLineIndex, type Path, type Position } from './position.ts';
import { maxConfigDepth } from './value.ts';

const messages: Record<string, string> = {
  InvalidSymbol: 'this is not JSON',
  InvalidNumberFormat: 'this is not a number',
  PropertyNameExpected: 'expected a key in double quotes',
  ValueExpected: 'expected a value',
  ColonExpected: 'expected ":" after the key',
  CommaExpected: 'expected "," before this',
  CloseBraceExpected: 'expected "}"',
  CloseBracketExpected: 'expected "]"',
  EndOfFileExpected: 'expected nothing more after the end of the configuration',
  UnexpectedEndOfComment: 'this comment never ends',
  UnexpectedEndOfString: 'this string never ends',
  UnexpectedEndOfNumber: 'this number is not complete',
  InvalidUnicode: 'this is not a Unicode escape',
  InvalidEscapeCharacter: 'a string cannot hold this escape',
  InvalidCharacter: 'a string cannot hold this character unescaped',
};

/** What a token of the scanner (its SyntaxKind, a const enum that cannot be imported) does to the depth: { } [ ]. */
const nesting = new Map([
  [1, 1],
  [2, -1],
  [3, 1],
  [4, -1],
]);

export function parseJsoncText(text: string): ParsedText {
  const positionAt = createLineIndex(text);
  const depth = findDepth(text);
  if (depth !== undefined) {
    const problem = toProblem('config_too_deep', { limit: maxConfigDepth }, positionAt(depth));
    return { value: undefined, locate: () => undefined, problems: [problem] };
  }
  const errors: ParseError[] = [];
  const tree = parseTree(text, errors, { allowTrailingComma: true });
  const locate = (path: Path): Position | undefined => {
    const offset = tree === undefined ? undefined : offsetOf(tree, path);
    return offset === undefined ? undefined : positionAt(offset);
  };
  const problems = errors.slice(0, maxProblems).map(({ error, offset }) => {
    const name = printParseErrorCode(error);
    return toProblem('config_syntax', { problem: messages[name] ?? name }, positionAt(offset));
  });
  if (tree === undefined || problems.length > 0) return { value: undefined, locate, problems };
  const duplicates: TextProblem[] = [];
  const value = toValue(tree, (key, offset) => {
    if (duplicates.length >= maxProblems) return;
    duplicates.push(toProblem('duplicate_key', { key }, positionAt(offset), 'warning'));
  });
  return { value, locate, problems: duplicates };
}

/** The offset at which nesting goes too deep: the parser recurses, so it must not see such a text. */
function findDepth(text: string): number | undefined {
  const scanner = createScanner(text, true);
  const endOfFile = 17;
  let depth = 0;
  for (let token: number = scanner.scan(); token !== endOfFile; token = scanner.scan()) {
    depth += nesting.get(token) ?? 0;
    if (depth > maxConfigDepth) return scanner.getTokenOffset();
  }
  return undefined;
}

function offsetOf(root: Node, path: Path): number | undefined {
  let node: Node | undefined = root;
  let offset = root.offset;
  for (const part of path) {
    const children: Node[] = node?.children ?? [];
    if (typeof part === 'number') {
      node = node?.type === 'array' ? children[part] : undefined;
      offset = node?.offset ?? 0;
    } else {
      const property: Node | undefined =
        node?.type === 'object' ? children.findLast((child) => child.children?.[0]?.value === part) : undefined;
      offset = property?.offset ?? 0;
      node = property?.children?.[1];
    }
    if (node === undefined) return undefined;
  }
  return offset;
}

function toValue(node: Node, onDuplicate: (key: string, offset: number) => void): unknown {
  if (node.type === 'array') return (node.children ?? []).map((child) => toValue(child, onDuplicate));
  if (node.type !== 'object') return node.value;
  const table = {};
  for (const property of node.children ?? []) {
    const [key, value] = property.children ?? [];
    if (key === undefined || value === undefined) continue;
    const name = String(key.value);
    if (Object.hasOwn(table, name)) onDuplicate(name, property.offset);
    // Assignment would run the setter of `__proto__`.
    const member = { value: toValue(value, onDuplicate), enumerable: true, configurable: true, writable: true };
    Object.defineProperty(table, name, member);
  }
  return table;
}
