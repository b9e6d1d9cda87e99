// What the checklist's tests share: a raw client and a short way to say what it was answered.
import type { TestScope } from '@sallyport/testkit';
import * as wire from '@sallyport/postgres-wire';
import type { Client } from 'pg';
import { ownCredentials, startSetup } from '../pooler-setup.ts';
import type { Setup, SetupOptions } from '../pooler-setup.ts';
import { connectRaw } from '../raw-client.ts';
import type { RawClient } from '../raw-client.ts';

export interface RawSetup extends Setup {
  /** A client that sends any messages at all. Ends with the test. */
  raw(): Promise<RawClient>;
}

/** A pooler that trusts its clients, so that raw ones come in. */
export async function startRawSetup(t: TestScope, options: SetupOptions = {}): Promise<RawSetup> {
  const setup = await startSetup(t, { auth: 'trust', ...options });
  return {
    ...setup,
    raw: async () => {
      const client = await connectRaw({ ...ownCredentials, port: setup.port });
      t.after(() => client.close());
      return client;
    },
  };
}

/** One answer in short: its letter, and what matters of it. */
export function toShort(answer: Buffer): string {
  const message = wire.parseBackend(answer);
  switch (message.type) {
    case 'DataRow':
      return `D ${message.values.map((value) => (value === null ? 'null' : Buffer.from(value).toString())).join(',')}`;
    case 'CommandComplete':
      return `C ${message.tag}`;
    case 'ErrorResponse':
    case 'NoticeResponse':
      return `${message.type[0]} ${message.report.sqlstate}`;
    case 'ReadyForQuery':
      return `Z ${message.status}`;
    default:
      return String.fromCharCode(answer[0]!);
  }
}

/** Sends messages and returns the answers up to as many ReadyForQuery, in short. */
export async function ask(client: RawClient, messages: Buffer[], readies = 1): Promise<string[]> {
  if (messages.length > 0) client.send(...messages);
  const answers: Buffer[] = [];
  for (let ready = 0; ready < readies; ready += 1) answers.push(...(await client.until(wire.Backend.ReadyForQuery)));
  return answers.map((answer) => toShort(answer));
}

export const pidOf = async (client: Client): Promise<number> =>
  ((await client.query('select pg_backend_pid() as pid')).rows[0] as { pid: number }).pid;

export const prepare = (name: string, query: string): Buffer => wire.toParse({ name, query });

export interface ExecuteOptions {
  parameters?: readonly string[];
  sync?: boolean;
}

/** Bind and Execute of a statement, with a Sync unless told otherwise. */
export const execute = (statement: string, { parameters = [], sync = true }: ExecuteOptions = {}): Buffer[] => [
  wire.toBind({ statement, parameters: parameters.map((text) => Buffer.from(text)) }),
  wire.toExecute(),
  ...(sync ? [wire.toSync()] : []),
];

/** Asks the server until something is so. */
export async function untilSo(watcher: Client, query: string, values: unknown[] = []): Promise<void> {
  while ((await watcher.query(query, values)).rowCount === 0);
}

/** Asks the server until it runs a query. */
export function untilRunning(watcher: Client, query: string): Promise<void> {
  return untilSo(watcher, "select 1 from pg_stat_activity where state = 'active' and query = $1", [query]);
}
