// `sallyport hyperdrive purge`, `explain` and `status`: what an edge's pools and caches hold.
import type { PoolStatusInfo, QueryExplanationInfo, TimingInfo } from '@sallyport/control/client';
import { type Command, UsageError, type Values } from '../../command.ts';
import { toLines } from '../../output/decision-text.ts';
import { createClient, edgeOptions, outputOptions, trying } from '../tunnel/control-command.ts';
import { checkFormat, print, toTable } from '../tunnel/print.ts';
import { findPool, toPoolPath } from './lookup.ts';
import { readQuery } from './secret-input.ts';

function toTexts(values: Values, name: string): string[] | undefined {
  const value = values[name];
  return Array.isArray(value) ? value.map(String) : undefined;
}

export const purge: Command = {
  name: 'hyperdrive purge',
  summary: 'Drop answers that the cache of a configuration holds.',
  positionals: ['CONFIG'],
  options: {
    table: { short: 't', value: 'TABLE', multiple: true, help: 'Answers that depend on this table' },
    tag: { value: 'TAG', multiple: true, help: 'Answers to queries whose comment gives them this tag' },
    all: { help: 'All answers' },
    ...outputOptions,
    ...edgeOptions,
  },
  examples: [
    ['sallyport hyperdrive purge sales --table orders --table sales.items', 'after a change that went past the edge'],
    ['sallyport hyperdrive purge sales --all', 'everything'],
  ],
  async run(values, [nameOrId = '']) {
    checkFormat(values);
    const body = { tables: toTexts(values, 'table'), tags: toTexts(values, 'tag') };
    const isNamed = body.tables !== undefined || body.tags !== undefined;
    if (isNamed === (values['all'] === true)) throw new UsageError('Say either --all, or which with --table and --tag');
    const client = createClient(values);
    const { id, name } = await findPool(client, nameOrId);
    const result = await trying('Could not purge', () =>
      client.call<{ purged: number; unknown_tables?: string[] }>('POST', toPoolPath(client, id, 'purge'), { body }),
    );
    print(values, result, () => toPurged(result, name));
    return 0;
  },
};

function toPurged(
  { purged, unknown_tables: unknown = [] }: { purged: number; unknown_tables?: string[] },
  name: string,
): string {
  const dropped = `Dropped ${purged} ${purged === 1 ? 'answer' : 'answers'} of ${name}\n`;
  if (unknown.length === 0) return dropped;
  return `${dropped}No table ${unknown.join(', ')} is known there: write NAME or SCHEMA.NAME as the database has it\n`;
}

export const explain: Command = {
  name: 'hyperdrive explain',
  summary: 'Say whether the answer to a query is cached, and why. The query is not run.',
  positionals: ['CONFIG', 'SQL'],
  options: { ...outputOptions, ...edgeOptions },
  examples: [
    ['sallyport hyperdrive explain sales "select now()"', 'not cached, because now() changes'],
    ['sallyport hyperdrive explain sales - < report.sql', 'a query from a file'],
  ],
  async run(values, [nameOrId = '', given = '']) {
    checkFormat(values);
    const sql = given === '-' ? await readQuery() : given;
    const client = createClient(values);
    const { id } = await findPool(client, nameOrId);
    const result = await trying('Could not explain the query', () =>
      client.call<QueryExplanationInfo>('POST', toPoolPath(client, id, 'explain'), { body: { sql } }),
    );
    print(values, result, () => describe(result));
    return result.cacheable ? 0 : 1;
  },
};

function describe({ cacheStatus, cacheable, why, tables = [], kept, key, entry }: QueryExplanationInfo): string {
  return toLines([
    ['cached', cacheable ? 'yes' : 'no'],
    ['cacheStatus', cacheStatus],
    ['why', why],
    ...(tables.length === 0 ? [] : ([['tables', tables.join(', ')]] as [string, string][])),
    ...(kept === undefined ? [] : ([['kept', toKept(kept)]] as [string, string][])),
    ...(key === undefined ? [] : ([['search path', key.searchPath.join(', ')]] as [string, string][])),
    ...(entry === undefined
      ? []
      : ([
          [
            'entry',
            `${entry.age.toFixed(1)} s old, ${entry.isStale ? 'stale' : 'fresh'}, ends in ${entry.expiresIn.toFixed(1)} s`,
          ],
          ['served', `${entry.hits} times, ${entry.bytes} bytes`],
        ] as [string, string][])),
  ]);
}

function toKept({ maxAge, staleWhileRevalidate, tags }: NonNullable<QueryExplanationInfo['kept']>): string {
  const tagged = tags.length === 0 ? '' : `, tags ${tags.join(', ')}`;
  return `max-age ${maxAge} s, swr ${staleWhileRevalidate} s${tagged}`;
}

export const status: Command = {
  name: 'hyperdrive status',
  summary: 'Show the pools of an edge: connections, clients, who waits, cache hits and pins.',
  positionals: ['[CONFIG]'],
  options: { ...outputOptions, ...edgeOptions },
  examples: [
    ['sallyport hyperdrive status', 'a line for each pool that runs'],
    ['sallyport hyperdrive status sales -o json', 'all that is counted of one'],
  ],
  async run(values, [nameOrId]) {
    checkFormat(values);
    const client = createClient(values);
    const path =
      nameOrId === undefined
        ? client.account('hyperdrive/status')
        : toPoolPath(client, (await findPool(client, nameOrId)).id, 'status');
    const pools = await trying('Could not ask for the status', () => client.call<PoolStatusInfo[]>('GET', path));
    print(values, pools, () => {
      if (pools.length === 0) return 'No pool runs: one starts when a Worker first uses its binding.\n';
      const sizes = ['CONNECTIONS', 'IDLE', 'CLIENTS', 'WAITING', 'MAXWAIT MS'];
      const times = ['ACQUIRE P50/P99 MS', 'QUERY P50/P99 MS'];
      const head = ['NAME', ...sizes, ...times, 'QUERIES', 'PINS', 'ERRORS', 'ID'];
      return toTable(head, pools.map(toStatusRow));
    });
    return 0;
  },
};

function toStatusRow({
  id,
  name,
  pool,
  clients,
  waiting_clients,
  longest_wait_ms,
  ...counted
}: PoolStatusInfo): string[] {
  const counts = [counted.queries, counted.pins, counted.errors].map(toCounts);
  const numbers = [pool.idle, clients, waiting_clients, longest_wait_ms].map(String);
  const sizes = [`${pool.connections}/${pool.max_connections}`, ...numbers];
  return [name, ...sizes, toTimes(counted.acquire_ms), toTimes(counted.query_ms), ...counts, id];
}

/** `0.5/2.5`, the upper bounds for half and for 99 in 100. */
function toTimes({ count, p50, p99 }: TimingInfo): string {
  return count === 0 ? '-' : `${p50 ?? '>'}/${p99 ?? '>'}`;
}

/** `hit:12 miss:3`, the most frequent first. */
function toCounts(counts: Readonly<Record<string, number>>): string {
  const entries = Object.entries(counts).sort(([, one], [, other]) => other - one);
  return entries.length === 0 ? '-' : entries.map(([name, count]) => `${name}:${count}`).join(' ');
}
