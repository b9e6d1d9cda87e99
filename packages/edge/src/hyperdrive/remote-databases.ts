// Bindings of a `sallyport dev` to the pools of another edge (`--edge`): each client is a CONNECT to its control API, so
// the other edge's pool, cache and tunnels serve it, and no password leaves that edge.
//
// The credentials that a client will say are made here, for one Worker and binding, and travel with the CONNECT: whoever
// holds the API's token may use any configuration anyway.
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ControlClient, EdgeAccess } from '@sallyport/control/client';
import type { ClientCredentials } from '@sallyport/hyperdrive';
import { relay } from '../gateway/relay.ts';
import { connectEdge } from '../tunnels/edge-connect.ts';

/** User, password and database that the client will say, as JSON in base64url. */
const credentialsHeader = 'sallyport-credentials';
const authority = /^([0-9a-f]{32})\.hyperdrive\.local:5432$/;

export interface RemoteDatabases {
  /** True also when that cannot be asked: the edge may be back when a client comes. */
  has(id: string): Promise<boolean>;
  /** The id of the configuration with a name, when it can be asked. */
  idOf(name: string): Promise<string | undefined>;
  /** A client's way into the pool of a configuration; one that is not there tells the client so. */
  connect(id: string, credentials: ClientCredentials): Promise<Duplex>;
}

export type AcceptDatabase = (id: string, credentials: ClientCredentials, stream: Duplex) => void;

export interface DatabaseRequest {
  id: string;
  credentials: ClientCredentials;
}

/** What a CONNECT asks for, when it asks for a database. */
export function toDatabaseRequest({ url = '', headers }: IncomingMessage): DatabaseRequest | undefined {
  const id = authority.exec(url)?.[1];
  const header = headers[credentialsHeader];
  if (id === undefined || typeof header !== 'string') return undefined;
  try {
    const said = JSON.parse(Buffer.from(header, 'base64url').toString()) as Partial<Record<string, unknown>>;
    const { user, password, database } = said;
    if (typeof user !== 'string' || typeof password !== 'string' || typeof database !== 'string') return undefined;
    return { id, credentials: { user, password, database, auth: 'cleartext' } };
  } catch {
    return undefined;
  }
}

export function createRemoteDatabases(access: EdgeAccess, client: ControlClient): RemoteDatabases {
  const list = () => client.list<{ id: string; name: string }>(client.account('hyperdrive/configs'));
  return {
    has(id) {
      return list().then(
        (all) => all.some((config) => config.id === id),
        () => true,
      );
    },
    idOf(name) {
      return list().then(
        (all) => all.find((config) => config.name === name)?.id,
        () => undefined,
      );
    },
    async connect(id, { user, password, database }) {
      const credentials = Buffer.from(JSON.stringify({ user, password, database })).toString('base64url');
      const headers = { [credentialsHeader]: credentials };
      return (await connectEdge(access, `${id}.hyperdrive.local:5432`, { headers })).stream;
    },
  };
}

/** Joins a client here with the pool there. Without a way the client is let go. */
export async function forward(
  remote: RemoteDatabases,
  { id, credentials, stream }: DatabaseRequest & { stream: Duplex },
): Promise<void> {
  stream.on('error', () => {});
  stream.pause();
  try {
    const there = await remote.connect(id, credentials);
    relay(stream, there);
  } catch {
    stream.destroy();
  }
}
