// The control domain: tunnels, virtual networks, routes, services, Hyperdrive configurations and certificates over one store, which other processes may write too.
import { randomBytes } from 'node:crypto';
import { systemClock, type Clock } from '../clock.ts';
import type { KeyRing } from '../key-ring.ts';
import type { ControlStore } from '../store.ts';
import { type ControlChange, createChanges } from './changes.ts';
import { Certificates } from './certificates.ts';
import { Hyperdrive } from './hyperdrive.ts';
import { Networks } from './networks.ts';
import { accountKey } from './records.ts';
import { Replica } from './replica.ts';
import { createRouteTable, type RouteTable } from './route-table.ts';
import { createRoutes, type Routes } from './routes.ts';
import { Services } from './services.ts';
import { Tunnels } from './tunnels.ts';
import { Writer } from './writer.ts';

export interface ControlOptions {
  /** Stays the caller's to close, after the control. */
  store: ControlStore;
  keys: KeyRing;
  /** The account's name in tokens and API paths; made once and kept in the store when left out. */
  accountTag?: string;
  clock?: Clock;
  /** What time it is, for `created_at`. */
  date?: () => Date;
  /** Called when changes of the store can for now not be heard of, and with what a listener of changes throws. */
  failed?: (error: Error) => void;
}

export interface Control {
  readonly accountTag: string;
  readonly tunnels: Tunnels;
  readonly networks: Networks;
  readonly routes: Routes;
  readonly table: RouteTable;
  readonly hyperdrive: Hyperdrive;
  readonly certificates: Certificates;
  readonly services: Services;
  /** Calls back after each change, whichever process made it; the function it returns ends that. */
  onChange: (listener: (change: ControlChange) => void) => () => void;
  /** Idempotent. */
  close: () => Promise<void>;
  [Symbol.asyncDispose]: () => Promise<void>;
}

/** Reads the store and follows it. Rejects with a `ControlError`. */
export async function startControl(options: ControlOptions): Promise<Control> {
  const { store, keys, clock = systemClock, date = () => new Date(), failed = () => {} } = options;
  const replica = new Replica(store, { clock, failed });
  const writer = new Writer(store, replica);
  const routes: Routes = createRoutes(writer, { date, networks: () => networks });
  const networks = new Networks(writer, {
    date,
    routes: {
      count: (networkId) => routes.count({ networkId }),
      deleteAll: (networkId) => routes.deleteAll({ networkId }),
    },
  });
  const tunnels = new Tunnels(writer, {
    keys,
    date,
    routes: {
      count: (tunnelId) => routes.count({ tunnelId }),
      deleteAll: (tunnelId) => routes.deleteAll({ tunnelId }),
    },
  });
  const hyperdrive = new Hyperdrive(writer, { keys, date, certificates: () => certificates, services: () => services });
  const certificates = new Certificates(writer, {
    keys,
    date,
    usersOf: (id) => [...hyperdrive.usersOf(id), ...services.usersOf(id)],
  });
  const services = new Services(writer, {
    date,
    certificates: () => certificates,
    tunnels: () => tunnels,
    databasesOf: (id) => hyperdrive.usersOfService(id),
  });
  const table = createRouteTable(replica, networks);
  try {
    await replica.start();
    await networks.start();
    const accountTag = options.accountTag ?? (await findAccount(writer));
    const changes = createChanges(replica, { failed });
    const close = (): Promise<void> => replica.close();
    const parts = { accountTag, tunnels, networks, routes, table, hyperdrive, certificates, services };
    return { ...parts, ...changes, close, [Symbol.asyncDispose]: close };
  } catch (error) {
    await replica.close();
    throw error;
  }
}

async function findAccount(writer: Writer): Promise<string> {
  const account = { tag: randomBytes(16).toString('hex') };
  const known = await writer.change<typeof account>(accountKey, (found) => (found === undefined ? account : undefined));
  return known!.tag;
}
