// The edge's tunnels: the control store and its API, the listener that connectors dial, and the way into the links.
import { join } from 'node:path';
import {
  type Control,
  type ControlApi,
  type HyperdriveHooks,
  startControl,
  startControlApi,
  startKeyRing,
  startSqliteStore,
} from '@sallyport/control';
import type { DialTunnel, OwnListener, Routes } from '@sallyport/egress';
import { type EdgeLink, encodeToken, type TunnelError, TunnelListener, TunnelRegistry } from '@sallyport/tunnel';
import { Cleanup } from '../cleanup.ts';
import { type ListenAddress, listening } from '../config/listen-address.ts';
import { openAuthority } from './authority.ts';
import type { AcceptDatabase } from '../hyperdrive/remote-databases.ts';
import type { OutletRequests } from '../vpc/outlet-requests.ts';
import { toTunnelRoutes } from '../vpc/service-egress.ts';
import { createTunnelConnect, explainHandlers } from './edge-api.ts';
import type { Explain } from './explain.ts';
import { createTunnelDial } from './dial-tunnel.ts';
import { createLinkDirectory } from './link-directory.ts';
import { PublicHostnames } from './public-hostname.ts';
import * as state from './state-directory.ts';
import { toRoutes } from './tunnel-routes.ts';

export type TunnelEvent =
  | { type: 'link-registered'; tunnel: string; connectorId: string; links: number }
  | { type: 'link-closed'; tunnel: string; connectorId: string; links: number }
  | { type: 'link-refused'; error: TunnelError }
  /** A Worker's virtual network does not exist (yet), so no route leads anywhere for it. */
  | { type: 'network-missing'; worker: string; network: string }
  /** Changes made by other processes cannot be heard of for now. */
  | { type: 'control-failed'; error: Error };

export type OnTunnelEvent = (event: TunnelEvent) => void;

export interface TunnelServiceOptions {
  stateDirectory: string;
  /** Where connectors dial. */
  listen: ListenAddress;
  /** What tokens tell connectors to dial; by default the address it listens on. */
  advertise?: readonly string[] | undefined;
  /** Where the control API listens. */
  control: ListenAddress;
  /** Refuse to start when another edge runs on this state directory. */
  exclusive?: boolean;
  /** Answers the control API's question what a Worker may reach. */
  explain: Explain;
  /** Answers the control API's questions about databases. */
  hyperdrive?: HyperdriveHooks;
  /** Serves clients of databases that a `sallyport dev` on another machine sends. */
  acceptDatabase?: AcceptDatabase | undefined;
  /** Serves bindings to private services of a `sallyport dev` on another machine. */
  outlets?: OutletRequests | undefined;
  onEvent: OnTunnelEvent;
}

export class TunnelService implements AsyncDisposable {
  readonly control: Control;
  readonly registry: TunnelRegistry;
  readonly publicHostnames: PublicHostnames;
  readonly dial: DialTunnel;
  /** Where connectors dial, and where the control API is. */
  readonly port: number;
  readonly controlUrl: string;
  readonly controlToken: string;
  /** What tokens tell connectors to dial. */
  readonly advertised: readonly string[];
  readonly #listener: TunnelListener;
  readonly #api: ControlApi;
  readonly #cleanup: Cleanup;

  private constructor(parts: {
    control: Control;
    listener: TunnelListener;
    api: ControlApi;
    token: string;
    advertise: readonly string[];
    publicHostnames: PublicHostnames;
    cleanup: Cleanup;
  }) {
    this.control = parts.control;
    this.registry = parts.listener.registry;
    this.publicHostnames = parts.publicHostnames;
    this.dial = createTunnelDial(this.registry);
    this.port = parts.listener.port;
    this.controlUrl = parts.api.url;
    this.controlToken = parts.token;
    this.advertised = parts.advertise;
    this.#listener = parts.listener;
    this.#api = parts.api;
    this.#cleanup = parts.cleanup;
  }

  /** @throws EdgeError, ControlError, or the system's error when an address cannot be listened on */
  static async start(options: TunnelServiceOptions): Promise<TunnelService> {
    const cleanup = new Cleanup();
    try {
      return await begin(options, cleanup, (parts) => new TunnelService(parts));
    } catch (error) {
      await cleanup.run();
      throw error;
    }
  }

  /** What tunnels cover, for the Workers of a virtual network. */
  routes(network?: string): Routes {
    return toRoutes(this.control.table, network);
  }

  /** Where it listens itself: a Worker that connects there would loop. */
  get listeners(): OwnListener[] {
    const { hostname } = new URL(this.#api.url);
    const { address, port } = this.#listener.address;
    return [
      { address, port },
      { address: hostname.replace(/^\[(.*)\]$/, '$1'), port: this.#api.port },
    ];
  }

  /** Sends connectors elsewhere and lets running connections finish within grace (milliseconds). */
  drain(grace: number): Promise<void> {
    return this.#listener.drain(grace);
  }

  close(): Promise<void> {
    return this.#cleanup.run();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

async function begin<Service>(
  options: TunnelServiceOptions,
  cleanup: Cleanup,
  build: (parts: {
    control: Control;
    listener: TunnelListener;
    api: ControlApi;
    token: string;
    advertise: readonly string[];
    publicHostnames: PublicHostnames;
    cleanup: Cleanup;
  }) => Service,
): Promise<Service> {
  const { stateDirectory, onEvent } = options;
  await state.openStateDirectory(stateDirectory);
  if (options.exclusive === true) await state.refuseSecondEdge(stateDirectory);
  const keys = startKeyRing({ file: join(stateDirectory, state.keyFile) });
  const store = startSqliteStore({ file: join(stateDirectory, state.databaseFile) });
  cleanup.add(() => store.close());
  const failed = (error: Error): void => onEvent({ type: 'control-failed', error });
  const control = await startControl({ store, keys, failed });
  cleanup.add(() => control.close());
  const certificate = await openAuthority(stateDirectory);

  const registry = new TunnelRegistry();
  const nameOf = (tunnelId: string): string => control.table.tunnelName(tunnelId) ?? tunnelId;
  const announce = (tunnelId: string, links: readonly EdgeLink[]): void => {
    const routes = control.table.announced(tunnelId);
    let problem: Error | undefined;
    for (const link of links) problem = link.announce(routes);
    if (problem !== undefined) failed(problem);
  };
  const listener = new TunnelListener({
    ...certificate,
    ...options.listen,
    registry,
    findSecret: (tunnelId) => control.tunnels.secretOf(tunnelId),
    registered(link) {
      const { tunnelId, connectorId } = link;
      const event = (type: 'link-registered' | 'link-closed'): void =>
        onEvent({ type, tunnel: nameOf(tunnelId), connectorId, links: registry.links(tunnelId).length });
      announce(tunnelId, [link]);
      event('link-registered');
      void link.closed.then(() => event('link-closed'));
    },
    refused: (error) => onEvent({ type: 'link-refused', error }),
  });
  cleanup.add(() => listener.close());
  await listening('tunnel.address', options.listen, () => listener.listen());

  const token = await state.openControlToken(stateDirectory);
  const { advertise = [toDialled(options.listen.host, listener.port)] } = options;
  const api = await listening('control.address', options.control, () =>
    startControlApi({
      control,
      links: createLinkDirectory(registry),
      token,
      tokenOf: ({ id, name }, secret) =>
        encodeToken({
          accountTag: control.accountTag,
          tunnelId: id,
          tunnelName: name,
          secret,
          ca: certificate.ca,
          edges: advertise,
        }),
      handlers: explainHandlers(options.explain),
      ...(options.hyperdrive === undefined ? {} : { hyperdrive: options.hyperdrive }),
      failed: (error) => failed(error as Error),
      connect: createTunnelConnect({
        routes: (network) => toRoutes(control.table, network),
        intoTunnel: (id) => toTunnelRoutes(id, control.table),
        dial: createTunnelDial(registry),
        acceptDatabase: options.acceptDatabase,
        outlets: options.outlets,
      }),
      ...options.control,
    }),
  );
  cleanup.add(() => api.close());
  // The API waits for what it handed on.
  cleanup.add(async () => options.outlets?.close());
  await state.writeDiscovery(stateDirectory, { url: api.url, token, account: control.accountTag });
  cleanup.add(() => state.removeDiscovery(stateDirectory, api.url));

  const publicHostnames = new PublicHostnames(registry, control.table);
  cleanup.add(async () => publicHostnames.close());
  const service = build({ control, listener, api, token, advertise, publicHostnames, cleanup });
  const stop = control.onChange((change) => {
    if (change.type === 'routes-changed') {
      for (const tunnelId of change.tunnelIds) announce(tunnelId, registry.links(tunnelId));
    } else if ('tunnelId' in change) {
      registry.revoke(change.tunnelId);
      publicHostnames.forget(change.tunnelId);
    }
  });
  cleanup.add(async () => stop());
  return service;
}

/** What to dial for an address that is listened on; every address means this machine's own. */
function toDialled(listened: string, port: number): string {
  const host = listened === '0.0.0.0' || listened === '::' ? '127.0.0.1' : listened;
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
