// What changed, in the terms of those who must act on it: who holds links, and who is told which routes it serves.
import type { Json } from '../store.ts';
import { type NamedRecord, networkKey, prefixes, type TunnelRecord } from './records.ts';
import type { Replica, ReplicaChange } from './replica.ts';
import { tunnelOf } from './service-settings.ts';
import type { ServiceRecord } from './services.ts';

export type ControlChange =
  | { type: 'tunnel-deleted' | 'secret-changed'; tunnelId: string }
  | { type: 'routes-changed'; tunnelIds: Set<string> }
  | { type: 'hyperdrive-changed' | 'hyperdrive-deleted'; id: string }
  | { type: 'service-changed' | 'service-deleted'; id: string }
  | { type: 'certificate-changed'; id: string };

export interface Changes {
  onChange: (listener: (change: ControlChange) => void) => () => void;
}

/** Starts with the next change of the replica. What a listener throws goes to `failed`, and stops no other. */
export function createChanges(replica: Replica, { failed }: { failed: (error: Error) => void }): Changes {
  const listeners = new Set<(change: ControlChange) => void>();
  const tell = (listener: (change: ControlChange) => void, change: ControlChange): void => {
    try {
      listener(change);
    } catch (error) {
      failed(error as Error);
    }
  };
  replica.onChange((change) => {
    for (const each of toControlChanges(replica, change)) for (const listener of listeners) tell(listener, each);
  });
  return {
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

function toControlChanges(replica: Replica, { key, before, after }: ReplicaChange): ControlChange[] {
  if (key.startsWith(prefixes.tunnels)) return toTunnelChanges(before, after);
  if (key.startsWith(prefixes.hyperdrive)) return toHyperdriveChanges(before, after);
  if (key.startsWith(prefixes.certificates)) {
    const { id } = (after ?? before) as { id: string };
    return before === undefined || after === undefined ? [] : [{ type: 'certificate-changed', id }];
  }
  if (key.startsWith(prefixes.services)) return toServiceChanges(before, after);
  const isRoute = [prefixes.ipRoutes, prefixes.hostnameRoutes, prefixes.publicHostnames].some((prefix) =>
    key.startsWith(prefix),
  );
  if (isRoute) {
    const tunnelIds = [before, after].flatMap((route) => {
      return route === undefined ? [] : [(route as { tunnel_id: string }).tunnel_id];
    });
    return [{ type: 'routes-changed', tunnelIds: new Set(tunnelIds) }];
  }
  if (!key.startsWith(prefixes.networks) || (before !== undefined && after !== undefined)) return [];
  const tunnelIds = new Set<string>();
  for (const prefix of [prefixes.ipRoutes, prefixes.hostnameRoutes]) {
    for (const value of replica.values(prefix)) {
      const route = value as { tunnel_id: string; virtual_network_id: string };
      if (networkKey(route.virtual_network_id) === key) tunnelIds.add(route.tunnel_id);
    }
  }
  return tunnelIds.size === 0 ? [] : [{ type: 'routes-changed', tunnelIds }];
}

function toTunnelChanges(before: Json | undefined, after: Json | undefined): ControlChange[] {
  const was = before as TunnelRecord | undefined;
  const is = after as TunnelRecord | undefined;
  // A tunnel that is being made has no name yet, and nobody knows of it.
  if (was === undefined || was.name === '' || was.deleted_at !== null) return [];
  if (is === undefined || is.deleted_at !== null) return [{ type: 'tunnel-deleted', tunnelId: was.id }];
  // Each sealing has a nonce of its own.
  if (was.secret?.nonce !== is.secret?.nonce) return [{ type: 'secret-changed', tunnelId: is.id }];
  return [];
}

function toHyperdriveChanges(before: Json | undefined, after: Json | undefined): ControlChange[] {
  const was = before as NamedRecord | undefined;
  const is = after as NamedRecord | undefined;
  if (is !== undefined && is.name !== '') return [{ type: 'hyperdrive-changed', id: is.id }];
  return was === undefined || was.name === '' ? [] : [{ type: 'hyperdrive-deleted', id: was.id }];
}

/** A connector is told of the services that are reached through it, as of routes. */
function toServiceChanges(before: Json | undefined, after: Json | undefined): ControlChange[] {
  const records = [before, after].map((value) => {
    const record = value as ServiceRecord | undefined;
    return record === undefined || record.name === '' ? undefined : record;
  });
  const [was, is] = records;
  const tunnelIds = new Set(records.flatMap((record) => (record && tunnelOf(record.host)) ?? []));
  const changes: ControlChange[] = tunnelIds.size === 0 ? [] : [{ type: 'routes-changed', tunnelIds }];
  if (is !== undefined) changes.push({ type: 'service-changed', id: is.id });
  else if (was !== undefined) changes.push({ type: 'service-deleted', id: was.id });
  return changes;
}
