// The commands that manage tunnels and routes on an edge, in the order the help lists them.
import type { Command } from '../../command.ts';
import { cleanup } from './cleanup.ts';
import { create } from './create.ts';
import { remove } from './delete.ts';
import { info } from './info.ts';
import { list } from './list.ts';
import { deleteDnsRoute, routeDns, showDnsRoutes } from './route-dns.ts';
import { addHostnameRoute, deleteHostnameRoute, showHostnameRoutes } from './route-hostname.ts';
import { addIpRoute, deleteIpRoute, getIpRoute, showIpRoutes } from './route-ip.ts';
import { token } from './token.ts';
import { addVnet, deleteVnet, listVnets, updateVnet } from './vnet.ts';

/** `list` for those who type that. */
const alsoList = (command: Command): Command => ({
  ...command,
  name: command.name.replace(/show$/, 'list'),
  summary: `The same as ${command.name}.`,
});

export const controlCommands: readonly Command[] = [
  create,
  list,
  info,
  remove,
  token,
  cleanup,
  addIpRoute,
  showIpRoutes,
  alsoList(showIpRoutes),
  getIpRoute,
  deleteIpRoute,
  addHostnameRoute,
  showHostnameRoutes,
  alsoList(showHostnameRoutes),
  deleteHostnameRoute,
  routeDns,
  showDnsRoutes,
  deleteDnsRoute,
  addVnet,
  listVnets,
  deleteVnet,
  updateVnet,
];
