// The tunnels of another edge, for `sallyport dev --edge`: its routes are read over the control API now and then, and its
// tunnels are entered by CONNECT.
import {
  AddressTree,
  ClientError,
  ControlClient,
  type EdgeAccess,
  type HostnameRouteInfo,
  type IpRouteInfo,
  NameTree,
  type NetworkInfo,
  parseCidr,
  type TunnelInfo,
} from '@sallyport/control/client';
import type { DialTunnel, Routes, TunnelRoute } from '@sallyport/egress';
import { createRemoteDatabases, type RemoteDatabases } from '../hyperdrive/remote-databases.ts';
import { type Networks, wholeNetwork } from '../vpc/networks.ts';
import { createRemoteVpc, type RemoteVpc } from '../vpc/remote-vpc.ts';
import { toTunnelRoutes } from '../vpc/service-egress.ts';
import { connectEdge, networkHeader, toEdgeError, tunnelHeader } from './edge-connect.ts';

/** Milliseconds from one reading of the routes to the next. */
export const refreshInterval = 2_000;

/** The routes of one virtual network. */
class Table {
  readonly id: string;
  readonly name: string;
  readonly isDefault: boolean;
  readonly names = new NameTree<TunnelRoute>();
  readonly addresses = new AddressTree<TunnelRoute>();

  constructor({ id, name, is_default_network }: NetworkInfo) {
    this.id = id;
    this.name = name;
    this.isDefault = is_default_network;
  }
}

export class RemoteTunnels implements Disposable {
  readonly #access: EdgeAccess;
  readonly #client: ControlClient;
  readonly #network: string | undefined;
  #tables: readonly Table[] = [];
  /** Of tunnels that bindings lead into. */
  readonly #tunnelNames = new Map<string, string>();
  readonly #timer: NodeJS.Timeout;
  #reading = false;

  private constructor(access: EdgeAccess, network: string | undefined, failed: (error: Error) => void) {
    this.#access = access;
    this.#client = new ControlClient(access);
    this.#network = network;
    let reported = false;
    this.#timer = setInterval(() => {
      if (this.#reading) return;
      this.#read().then(
        () => (reported = false),
        (error: Error) => {
          // Once, not every time: the routes that were read last stay.
          if (!reported) failed(error);
          reported = true;
        },
      );
    }, refreshInterval);
    // A start that fails, or is given up, is not kept from ending.
    this.#timer.unref();
  }

  /** Rejects with a `ClientError` when the edge cannot be asked. */
  static async start(
    access: EdgeAccess,
    { network, failed }: { network?: string | undefined; failed: (error: Error) => void },
  ): Promise<RemoteTunnels> {
    const tunnels = new RemoteTunnels(access, network, failed);
    try {
      await tunnels.#read();
      return tunnels;
    } catch (error) {
      tunnels[Symbol.dispose]();
      throw error;
    }
  }

  /** Of the network that was chosen, or the default one. */
  readonly routes: Routes = toRoutes(() =>
    this.#tables.find(({ name, isDefault }) => (this.#network === undefined ? isDefault : name === this.#network)),
  );

  /** Its configurations: a Worker's client goes to the pool there. */
  get databases(): RemoteDatabases {
    return createRemoteDatabases(this.#access, this.#client);
  }

  /** Its services and networks. */
  get vpc(): RemoteVpc {
    return createRemoteVpc(this.#access, this.#client, this.#networks);
  }

  readonly dial: DialTunnel = (route, target, options) => this.#dialIn(this.#network)(route, target, options);

  readonly #networks: Networks = {
    has: async (id) => {
      // It may have been made a moment ago.
      if (this.#findNetwork(id) === undefined) await this.#read().catch(() => {});
      return this.#findNetwork(id) !== undefined || this.#hasTunnel(id);
    },
    named: async (name) => {
      const network = this.#tables.find((table) => table.name === name);
      const query = { name, is_deleted: false };
      const tunnels = await this.#client
        .list<TunnelInfo>(this.#client.account('cfd_tunnel'), query)
        .catch((): TunnelInfo[] => []);
      if (tunnels[0] !== undefined) return { key: 'tunnel_id', id: tunnels[0].id };
      return network && { key: 'network_id', id: network.id };
    },
    // Its connectors judge what they dial; the edge adds nothing to that.
    intoTunnel: (id) => ({
      routes: toTunnelRoutes(id, { tunnelName: () => this.#tunnelNames.get(id) }),
      dialTunnel: this.#dialWith({ [tunnelHeader]: id }),
    }),
    intoNetwork: (id) => ({
      routes: toRoutes(() => this.#findNetwork(id)),
      dialTunnel: (route, target, options) => this.#dialIn(this.#findNetwork(id)?.name)(route, target, options),
    }),
  };

  #findNetwork(id: string): Table | undefined {
    return this.#tables.find((table) => (id === wholeNetwork ? table.isDefault : table.id === id));
  }

  /** True also when that cannot be asked: the edge may be back when a connection is made. */
  #hasTunnel(id: string): Promise<boolean> {
    return this.#client.call<TunnelInfo>('GET', this.#client.account(`cfd_tunnel/${encodeURIComponent(id)}`)).then(
      ({ name, deleted_at }) => {
        this.#tunnelNames.set(id, name);
        return deleted_at === null;
      },
      (error: unknown) => !(error instanceof ClientError && error.status === 404),
    );
  }

  #dialIn(network: string | undefined): DialTunnel {
    return this.#dialWith(network === undefined ? {} : { [networkHeader]: network });
  }

  #dialWith(headers: Record<string, string>): DialTunnel {
    return async (_route, { host, port }, { signal }) => {
      const authority = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
      try {
        const { stream } = await connectEdge(this.#access, authority, { headers, signal });
        // What the Worker is connected to is at the far end, not the edge on the way.
        Object.defineProperties(stream, { remoteAddress: { value: host }, remotePort: { value: port } });
        return { stream, remoteAddress: authority, localAddress: '' };
      } catch (cause) {
        throw toEdgeError(cause, { url: this.#access.url, port });
      }
    };
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  async #read(): Promise<void> {
    this.#reading = true;
    try {
      const client = this.#client;
      const [names, addresses, networks] = await Promise.all([
        client.list<HostnameRouteInfo>(client.account('zerotrust/routes/hostname')),
        client.list<IpRouteInfo>(client.account('teamnet/routes')),
        client.list<NetworkInfo>(client.account('teamnet/virtual_networks')),
      ]);
      const tables = new Map(networks.map((network) => [network.id, new Table(network)]));
      const toRoute = (route: HostnameRouteInfo | IpRouteInfo, match: string): TunnelRoute => ({
        kind: 'tunnel',
        tunnelId: route.tunnel_id,
        tunnelName: route.tunnel_name,
        network: tables.get(route.virtual_network_id)?.name ?? 'default',
        match,
      });
      for (const route of names) {
        tables.get(route.virtual_network_id)?.names.add(route.hostname, toRoute(route, route.hostname));
      }
      for (const route of addresses) {
        const { network, virtual_network_id: id } = route;
        tables.get(id)?.addresses.add(parseCidr(network), toRoute(route, network));
      }
      this.#tables = [...tables.values()];
    } finally {
      this.#reading = false;
    }
  }
}

function toRoutes(find: () => Table | undefined): Routes {
  return {
    forName: (name) => find()?.names.find(name, () => true),
    forAddress: (address) => find()?.addresses.find(address, () => true),
  };
}
