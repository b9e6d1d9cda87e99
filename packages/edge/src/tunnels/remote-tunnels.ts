// The tunnels of another edge, for `sallyport dev --edge`: its routes are read over the control API now and then, and its
// tunnels are entered by CONNECT.
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import {
  AddressTree,
  ControlClient,
  type EdgeAccess,
  type HostnameRouteInfo,
  type IpRouteInfo,
  NameTree,
  parseCidr,
} from '@sallyport/control/client';
import {
  type DialTunnel,
  type Dialled,
  EgressError,
  type EgressErrorCode,
  egressErrorCodes,
  type Routes,
  toFailure,
  type TunnelRoute,
} from '@sallyport/egress';
import { createRemoteDatabases, type RemoteDatabases } from '../hyperdrive/remote-databases.ts';
import { networkHeader, refusalHeader } from './edge-api.ts';

/** Milliseconds from one reading of the routes to the next. */
export const refreshInterval = 2_000;

interface Table {
  names: NameTree<TunnelRoute>;
  addresses: AddressTree<TunnelRoute>;
}

export class RemoteTunnels implements Disposable {
  readonly #access: EdgeAccess;
  readonly #client: ControlClient;
  readonly #network: string | undefined;
  #table: Table = { names: new NameTree(), addresses: new AddressTree() };
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

  readonly routes: Routes = {
    forName: (name) => this.#table.names.find(name, () => true),
    forAddress: (address) => this.#table.addresses.find(address, () => true),
  };

  /** Its configurations: a Worker's client goes to the pool there. */
  get databases(): RemoteDatabases {
    return createRemoteDatabases(this.#access, this.#client);
  }

  readonly dial: DialTunnel = (route, { host, port }, { signal }) =>
    new Promise<Dialled>((resolve, reject) => {
      const { url, token } = this.#access;
      const authority = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
      const headers = {
        'proxy-authorization': `Bearer ${token}`,
        ...(this.#network === undefined ? {} : { [networkHeader]: this.#network }),
      };
      const send = url.startsWith('https:') ? httpsRequest : httpRequest;
      const asked = send(url, { method: 'CONNECT', path: authority, headers, signal, agent: false });
      asked.once('error', (cause) => {
        const detail = `the edge at ${url} did not answer: ${cause.message}`;
        reject(new EgressError(toFailure('tunnel_unavailable', { port, detail }), { cause }));
      });
      asked.once('connect', ({ statusCode, headers: answer }, socket: Socket, head) => {
        if (statusCode !== 200) {
          socket.destroy();
          return reject(toError(answer[refusalHeader], { port, tunnel: route.tunnelName, statusCode }));
        }
        socket.setNoDelay(true);
        // What the Worker is connected to is at the far end, not the edge on the way.
        Object.defineProperties(socket, { remoteAddress: { value: host }, remotePort: { value: port } });
        socket.on('error', () => {});
        socket.pause();
        if (head.length > 0) socket.unshift(head);
        resolve({ stream: socket, remoteAddress: authority, localAddress: '' });
      });
      asked.end();
    });

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
        client.list<{ id: string; name: string; is_default_network: boolean }>(
          client.account('teamnet/virtual_networks'),
        ),
      ]);
      const network = networks.find(({ name, is_default_network }) =>
        this.#network === undefined ? is_default_network : name === this.#network,
      );
      const table: Table = { names: new NameTree(), addresses: new AddressTree() };
      const toRoute = (route: HostnameRouteInfo | IpRouteInfo, match: string): TunnelRoute => ({
        kind: 'tunnel',
        tunnelId: route.tunnel_id,
        tunnelName: route.tunnel_name,
        network: network?.name ?? 'default',
        match,
      });
      const isOurs = (route: { virtual_network_id: string }): boolean => route.virtual_network_id === network?.id;
      for (const route of names.filter(isOurs)) table.names.add(route.hostname, toRoute(route, route.hostname));
      for (const route of addresses.filter(isOurs)) {
        table.addresses.add(parseCidr(route.network), toRoute(route, route.network));
      }
      this.#table = table;
    } finally {
      this.#reading = false;
    }
  }
}

/** The edge's refusal in our words; what cannot be read is only a failure. */
function toError(
  header: string | string[] | undefined,
  { port, tunnel, statusCode }: { port: number; tunnel: string; statusCode: number | undefined },
): EgressError {
  let said: { code?: string; detail?: string; remedy?: string } = {};
  try {
    said = JSON.parse(decodeURIComponent(String(header))) as typeof said;
  } catch {
    said = { detail: `the edge answered ${statusCode}` };
  }
  const code: EgressErrorCode = egressErrorCodes.find((known) => known === said.code) ?? 'connection_failed';
  const failure = toFailure(code, { port, detail: said.detail ?? `tunnel ${tunnel} failed` });
  return new EgressError(
    said.remedy === undefined || said.remedy === '' ? failure : { ...failure, remedy: said.remedy },
  );
}
