// A text's verdict, from its tree.
import { harmlessStatements, namingSettings } from './grammar.table.ts';
import type { Parsed, Tree } from './parser.ts';
import type { QueryVerdict, Uncacheable } from './query-verdict.ts';
import { TreeFacts } from './tree-facts.ts';

/** What can be said of a text that was not read: it may do anything. */
export function toUnread(uncacheable: Uncacheable, why: string): QueryVerdict {
  return {
    uncacheable,
    why,
    reads: [],
    writes: 'unknown',
    functions: [],
    operators: [],
    fields: [],
    isReadOnly: false,
    altersNames: true,
    changesSchema: true,
  };
}

interface Effects {
  /** It may write anything. */
  unknown?: boolean;
  changesSchema?: boolean;
  altersNames?: boolean;
}

/** A table was made. A temporary one is nobody else's, so it writes nothing that others read. */
function toMade(into: Tree): Effects {
  const { relpersistence } = into.rel as { relpersistence?: string };
  return relpersistence === 't' ? { altersNames: true } : { unknown: true, changesSchema: true };
}

/** Adds what a statement does to `facts`. */
function examine(kind: string, node: Tree, facts: TreeFacts): Effects {
  const nothing = {};
  if (harmlessStatements.has(kind)) return nothing;
  switch (kind) {
    case 'SelectStmt':
    case 'InsertStmt':
    case 'UpdateStmt':
    case 'DeleteStmt':
    case 'MergeStmt':
      facts.walk({ [kind]: node });
      return node.intoClause === undefined ? nothing : toMade(node.intoClause as Tree);
    case 'ExplainStmt':
    case 'DeclareCursorStmt': {
      const [[inner, query]] = Object.entries(node.query as Tree) as [[string, Tree]];
      return examine(inner, query, facts);
    }
    case 'TransactionStmt':
      return { unknown: node.kind === 'TRANS_STMT_COMMIT_PREPARED' };
    case 'TruncateStmt': {
      const how = node.behavior === 'DROP_CASCADE' ? 'truncate-cascade' : 'truncate';
      for (const { RangeVar } of node.relations as { RangeVar: Tree }[]) facts.write(RangeVar, how);
      return nothing;
    }
    case 'CopyStmt':
      if (node.is_from === true) facts.write(node.relation as Tree, 'insert');
      else facts.walk(node.query);
      return nothing;
    case 'RefreshMatViewStmt':
      facts.write(node.relation as Tree, 'truncate');
      return nothing;
    case 'DiscardStmt':
      return { altersNames: true };
    case 'CreateStmt':
      return toMade({ rel: node.relation });
    case 'CreateTableAsStmt':
      facts.walk(node.query);
      return toMade(node.into as Tree);
    case 'VariableSetStmt':
      return { altersNames: node.name === undefined || namingSettings.has(String(node.name).toLowerCase()) };
    case 'CallStmt':
    case 'ExecuteStmt':
      return { unknown: true, altersNames: true };
    default:
      return { unknown: true, changesSchema: true, altersNames: true };
  }
}

function reasonOf(kind: string, facts: TreeFacts): { uncacheable: Uncacheable | undefined; why: string | undefined } {
  if (kind === 'TransactionStmt') return { uncacheable: 'transaction', why: 'It begins or ends a transaction.' };
  if (kind !== 'SelectStmt') return { uncacheable: 'notaquery', why: 'Only SELECT, VALUES and TABLE are cached.' };
  const { effect, clock, unknowable } = facts;
  if (effect !== undefined) return { uncacheable: 'uncacheable', why: `Not a plain query: ${effect}.` };
  if (clock !== undefined) return { uncacheable: 'volatile', why: `Its result depends on the time: ${clock}.` };
  if (unknowable !== undefined) return { uncacheable: 'uncacheable', why: `${unknowable}.` };
  return { uncacheable: undefined, why: undefined };
}

export function classify(parsed: Parsed): QueryVerdict {
  if (parsed.kind === 'loading') return toUnread('uncacheable', 'The grammar is being loaded.');
  if (parsed.kind === 'error') return toUnread('parseerror', `It cannot be parsed: ${parsed.message}.`);
  if (parsed.kind === 'too-deep') return toUnread('oversizedquery', 'It is nested too deeply.');
  const facts = new TreeFacts();
  const effects: Effects[] = [];
  const kinds: string[] = [];
  for (const statement of parsed.statements) {
    const [[kind, node]] = Object.entries(statement) as [[string, Tree]];
    kinds.push(kind);
    effects.push(examine(kind, node, facts));
  }
  const [kind] = kinds;
  const { reads, writes, functions, effect } = facts;
  let reason: { uncacheable: Uncacheable | undefined; why: string | undefined };
  if (kind === undefined) reason = { uncacheable: 'notaquery', why: 'It is empty.' };
  else if (kinds.length === 1) reason = reasonOf(kind, facts);
  else reason = { uncacheable: 'multiplestatements', why: `It has ${kinds.length} statements.` };
  return {
    ...reason,
    reads,
    writes: effects.some(({ unknown }) => unknown === true) ? 'unknown' : writes,
    functions,
    operators: [...facts.operators],
    fields: [...facts.fields],
    isReadOnly: kinds.length === 1 && kind === 'SelectStmt' && effect === undefined,
    altersNames: facts.altersNames || effects.some(({ altersNames }) => altersNames === true),
    changesSchema: effects.some(({ changesSchema }) => changesSchema === true),
  };
}
