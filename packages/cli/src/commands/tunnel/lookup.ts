// What a user calls a tunnel or a virtual network, by name or by id.
import type { ControlClient, NetworkInfo, TunnelInfo } from '@sallyport/control/client';
import { CommandError } from '../../command-error.ts';

const uuid = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

export function isId(text: string): boolean {
  return uuid.test(text);
}

/** The tunnel of that name, among those that are not deleted; or the one with that id. */
export async function findTunnel(client: ControlClient, nameOrId: string): Promise<TunnelInfo> {
  const query = isId(nameOrId) ? { uuid: nameOrId } : { name: nameOrId };
  const [found] = await client.list<TunnelInfo>(client.account('cfd_tunnel'), { ...query, is_deleted: false });
  if (found !== undefined) return found;
  throw new CommandError(
    `${nameOrId} is neither the ID nor the name of any of your tunnels`,
    'See "sallyport tunnel list" for those there are.',
  );
}

export async function findTunnels(client: ControlClient, namesOrIds: readonly string[]): Promise<TunnelInfo[]> {
  const tunnels: TunnelInfo[] = [];
  for (const each of namesOrIds) tunnels.push(await findTunnel(client, each));
  return tunnels;
}

/** The id of a virtual network; undefined when none is named, which means the default one. */
export async function findNetworkId(client: ControlClient, nameOrId: string): Promise<string>;
export async function findNetworkId(client: ControlClient, nameOrId: string | undefined): Promise<string | undefined>;
export async function findNetworkId(client: ControlClient, nameOrId: string | undefined): Promise<string | undefined> {
  if (nameOrId === undefined) return undefined;
  if (isId(nameOrId)) return nameOrId.toLowerCase();
  const path = client.account('teamnet/virtual_networks');
  const [found] = await client.list<NetworkInfo>(path, { name: nameOrId, is_deleted: false });
  if (found !== undefined) return found.id;
  throw new CommandError(
    `there is no virtual network named ${nameOrId}`,
    'See "sallyport tunnel vnet list" for those there are.',
  );
}
