// Mixed load on a pooler, whatever happens to the database behind it. Clients that lose their connection come again.
import { Client } from 'pg';
import type { ClientConfig } from 'pg';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import * as wire from '@sallyport/postgres-wire';
import { Ledger } from './ledger.ts';
import { isLoss, kinds } from './operations.ts';
import type { Operation } from './operations.ts';

/** An operation that takes longer is stuck, in milliseconds: twice what waiting for a connection may take. */
export const patience = 30_000;
/** The longest pause between two operations of a client, in milliseconds. */
const longestPause = 10;

export interface LoadReport {
  ledger: Ledger;
  operations: number;
  /** How often a client was told that its connection or the database is gone, by code. */
  losses: Record<string, number>;
  wrong: string[];
  stuck: string[];
}

export interface LoadOptions {
  target: ClientConfig & { port: number };
  signal: AbortSignal;
  seed?: number;
}

/** A generator of one's own, so that a run can be had again. */
function createRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
}

/** As libpq does it: on a connection of its own, which the server ends without an answer. */
function sendCancel(port: number, client: Client): Promise<void> {
  const { processID, secretKey } = client as unknown as { processID: number; secretKey: number };
  const key = Buffer.alloc(4);
  key.writeInt32BE(secretKey);
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.on('error', () => {});
    socket.once('close', () => resolve());
    socket.resume();
    socket.end(wire.toCancelRequest(processID, key));
  });
}

/** Runs until the signal, and then until every client has finished what it was doing. */
export async function runLoad({ target, signal, seed = 1 }: LoadOptions): Promise<LoadReport> {
  const report: LoadReport = { ledger: new Ledger(), operations: 0, losses: {}, wrong: [], stuck: [] };
  const doing = new Map<string, number>();
  let ids = 0;

  async function once(
    name: string,
    client: Client,
    operation: Operation,
    random: (below: number) => number,
  ): Promise<boolean> {
    doing.set(name, Date.now());
    try {
      const { ledger } = report;
      const cancel = (): Promise<void> => sendCancel(target.port, client);
      await operation({ client, ledger, random, cancel, nextId: () => `${name}-${(ids += 1)}` });
      report.operations += 1;
      return true;
    } catch (error) {
      if (isLoss(error)) {
        const code = (error as { code?: string }).code ?? 'terminated';
        report.losses[code] = (report.losses[code] ?? 0) + 1;
      } else {
        report.wrong.push(`${name}, ${operation.name}: ${(error as Error).message}`);
      }
      return false;
    } finally {
      doing.delete(name);
    }
  }

  async function connected(name: string): Promise<Client | undefined> {
    const client = new Client(target);
    client.on('error', () => {});
    const isIn = await once(
      name,
      client,
      async () => void (await client.connect()),
      () => 0,
    );
    if (isIn) return client;
    // The database is down, most likely.
    await sleep(50);
    return undefined;
  }

  async function runClient(
    name: string,
    operations: readonly Operation[],
    random: (below: number) => number,
  ): Promise<void> {
    while (!signal.aborted) {
      const client = await connected(name);
      if (client === undefined) continue;
      let isFine = true;
      while (isFine && !signal.aborted) {
        isFine = await once(name, client, operations[random(operations.length)]!, random);
        await sleep(random(longestPause));
      }
      void client.end().catch(() => {});
    }
  }

  const watchdog = setInterval(() => {
    for (const [name, since] of doing) {
      if (Date.now() - since > patience && !report.stuck.includes(name)) report.stuck.push(name);
    }
  }, 1_000);
  const running = Object.entries(kinds).flatMap(([kind, { clients, operations }], group) =>
    Array.from({ length: clients }, (_, index) =>
      runClient(`${kind}${index}`, operations, createRandom(seed + group * 101 + index * 7)),
    ),
  );
  // A client that is stuck does not end: the report is there nevertheless.
  const stopped = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  await Promise.race([Promise.all(running), stopped.then(() => sleep(patience + 1_000, undefined, { ref: false }))]);
  clearInterval(watchdog);
  return report;
}
