// What one statement's tree reads, writes and calls: a walk that knows which names are common table expressions.
//
// Only kinds of nodes that are known to be harmless pass; whatever a newer grammar brings makes the query uncacheable.
import { isClock } from './clock-words.ts';
import { expressionNodes, namingSettings } from './grammar.table.ts';
import type { Tree } from './parser.ts';
import type { FunctionName, RelationName, WrittenRelation, WriteKind } from './query-verdict.ts';

type Scope = { readonly names: ReadonlySet<string>; readonly outer: Scope | undefined };

const systemColumns = new Set(['xmin', 'xmax', 'cmin', 'cmax', 'ctid']);
const clockFunctions = /^SVFOP_(?:CURRENT_DATE|CURRENT_TIME|CURRENT_TIMESTAMP|LOCALTIME|LOCALTIMESTAMP)/;

export function namesOf(list: unknown): string[] {
  return (list as Tree[]).map((item) => (item.String as { sval?: string } | undefined)?.sval ?? '');
}

export function relationOf(range: Tree): RelationName {
  const { schemaname: schema, relname: name } = range as { schemaname?: string; relname: string };
  return schema === undefined ? { name } : { schema, name };
}

const writeKinds: Readonly<Record<string, WriteKind>> = {
  InsertStmt: 'insert',
  UpdateStmt: 'update',
  DeleteStmt: 'delete',
  MergeStmt: 'merge',
};

/** Whether a call of `set_config` sets what names mean, as far as its first argument is a constant. */
function setsName({ args }: Tree): boolean {
  const [first] = (args ?? []) as Tree[];
  const { sval } = ((first?.A_Const as Tree | undefined)?.sval ?? {}) as { sval?: string };
  return sval === undefined || namingSettings.has(sval.toLowerCase());
}

export class TreeFacts {
  readonly reads: RelationName[] = [];
  readonly writes: WrittenRelation[] = [];
  readonly functions: FunctionName[] = [];
  readonly operators: Set<string> = new Set();
  readonly fields: Set<string> = new Set();
  /** The first thing that depends on the time. */
  clock: string | undefined;
  /** The first thing that no cache can know. */
  unknowable: string | undefined;
  /** Locks rows, writes in a common table expression, or makes a table. */
  effect: string | undefined;
  /** A setting that changes what names mean may be set. */
  altersNames = false;

  walk(value: unknown, scope?: Scope): void {
    if (Array.isArray(value)) {
      for (const item of value) this.walk(item, scope);
      return;
    }
    if (typeof value !== 'object' || value === null) return;
    for (const [kind, node] of Object.entries(value as Tree)) this.#node(kind, node, scope);
  }

  /** The target of a write: never a common table expression. */
  write(range: Tree, kind: WriteKind): void {
    this.writes.push({ ...relationOf(range), kind });
  }

  #node(kind: string, node: unknown, scope: Scope | undefined): void {
    if (typeof node !== 'object' || node === null) return;
    // Keys of fields are lower case, names of nodes are not.
    const first = kind.charCodeAt(0);
    if (first > 90) {
      this.walk(node, scope);
      return;
    }
    const tree = node as Tree;
    switch (kind) {
      case 'SelectStmt':
        this.#select(tree, scope);
        return;
      case 'InsertStmt':
      case 'UpdateStmt':
      case 'DeleteStmt':
      case 'MergeStmt':
        this.#modify(kind, tree, scope);
        return;
      case 'RangeVar':
        this.#range(tree, scope);
        return;
      case 'FuncCall':
        this.#call(tree);
        break;
      case 'ColumnRef':
        this.#column(namesOf(tree.fields));
        return;
      case 'A_Indirection':
        for (const name of namesOf(tree.indirection)) if (name !== '') this.fields.add(name);
        break;
      case 'A_Expr':
        this.operators.add(namesOf(tree.name).at(-1) ?? '');
        break;
      case 'SubLink':
        if (Array.isArray(tree.operName)) this.operators.add(namesOf(tree.operName).at(-1) ?? '');
        break;
      case 'SortBy':
        if (Array.isArray(tree.useOp)) this.operators.add(namesOf(tree.useOp).at(-1) ?? '');
        break;
      case 'A_Const':
        this.#constant(tree);
        return;
      case 'SQLValueFunction':
        if (clockFunctions.test(String(tree.op))) this.clock ??= String(tree.op).slice(6).toLowerCase();
        return;
      case 'RangeTableSample':
        this.unknowable ??= 'TABLESAMPLE takes rows at random';
        break;
      case 'TypeCast': {
        const type = namesOf((tree.typeName as Tree).names).at(-1);
        if (type === 'timetz') this.clock ??= 'the offset of a time zone today';
        break;
      }
      case 'TypeName':
        // A name, nothing more: its modifiers are constants, and %TYPE is no query.
        return;
      default:
        if (!expressionNodes.has(kind)) this.unknowable ??= `${kind} is not known to depend on its input only`;
    }
    this.walk(node, scope);
  }

  #select(select: Tree, scope: Scope | undefined): void {
    const inner = this.#with(select.withClause as Tree | undefined, scope);
    if (select.intoClause !== undefined) this.effect ??= 'SELECT INTO makes a table';
    if (select.lockingClause !== undefined) this.effect ??= 'it locks rows';
    for (const [key, value] of Object.entries(select)) {
      if (key === 'withClause' || key === 'intoClause' || key === 'lockingClause') continue;
      // The two halves of UNION are SelectStmts without their name.
      if (key === 'larg' || key === 'rarg') this.#select(value as Tree, inner);
      else this.walk(value, inner);
    }
  }

  #modify(kind: string, statement: Tree, scope: Scope | undefined): void {
    const inner = this.#with(statement.withClause as Tree | undefined, scope);
    const conflict = statement.onConflictClause as { action?: string } | undefined;
    const updates = conflict?.action === 'ONCONFLICT_UPDATE';
    this.write(statement.relation as Tree, updates ? 'update' : writeKinds[kind]!);
    this.effect ??= 'it writes';
    for (const [key, value] of Object.entries(statement)) {
      if (key !== 'withClause' && key !== 'relation') this.walk(value, inner);
    }
  }

  /** The scope inside a statement with a WITH clause. Each expression sees those before it, or all with RECURSIVE. */
  #with(clause: Tree | undefined, outer: Scope | undefined): Scope | undefined {
    if (clause === undefined) return outer;
    const expressions = (clause.ctes as { CommonTableExpr: Tree }[]).map((item) => item.CommonTableExpr);
    const names = new Set<string>();
    if (clause.recursive === true) for (const { ctename } of expressions) names.add(String(ctename));
    for (const { ctename, ctequery, ...rest } of expressions) {
      this.walk(ctequery, { names: new Set(names), outer });
      this.walk(rest, outer);
      names.add(String(ctename));
    }
    return { names, outer };
  }

  #range(range: Tree, scope: Scope | undefined): void {
    const relation = relationOf(range);
    if (relation.schema === undefined) {
      for (let at = scope; at !== undefined; at = at.outer) if (at.names.has(relation.name)) return;
    }
    if (/^(?:pg_|information_schema$)/.test(relation.schema ?? relation.name)) {
      const isTemporary = relation.schema?.startsWith('pg_temp') === true;
      const kind = isTemporary ? 'a temporary table, which is of one session' : 'part of the system catalogue';
      this.unknowable ??= `${relation.name} is ${kind}`;
    }
    this.reads.push(relation);
  }

  #call(call: Tree): void {
    const names = namesOf(call.funcname);
    const args = Array.isArray(call.args) ? call.args.length : 0;
    const name = names.at(-1) ?? '';
    if (name === 'set_config') this.altersNames ||= setsName(call);
    this.functions.push(names.length > 1 ? { schema: names.at(-2)!, name, args } : { name, args });
  }

  #column(names: string[]): void {
    const last = names.at(-1)!;
    if (systemColumns.has(last)) this.unknowable ??= `${last} is a system column`;
    for (const name of names.slice(1)) if (name !== '') this.fields.add(name);
  }

  #constant(constant: Tree): void {
    const text = (constant.sval as { sval?: string } | undefined)?.sval;
    if (text !== undefined && isClock(text)) this.clock ??= `the string '${text}'`;
  }
}
