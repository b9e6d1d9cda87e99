// The private services and networks of an edge: an outlet for every binding of every Worker, which follows the control
// store while it is open.
import { join } from 'node:path';
import { type Control, ControlError, type Service } from '@sallyport/control';
import type { Egress, Policy } from '@sallyport/egress';
import type { Diagnostic, Project, VpcChannel } from '@sallyport/workers';
import { EdgeError, type EdgeErrorCode } from '../errors.ts';
import type { OnGatewayEvent } from '../gateway/events.ts';
import { openCertificate } from '../tls/certificate-way.ts';
import { bareTls, type FindTls } from '../tls/host-tls.ts';
import type { Explained } from '../tunnels/explain.ts';
import { toRoutes } from '../tunnels/tunnel-routes.ts';
import { createNetworkEgress } from './network-egress.ts';
import { openOutlet, type Outlet, type Way } from './outlet.ts';
import { ServiceMetrics } from './service-metrics.ts';
import { createServiceEgress, type EgressWays, toTunnelRoutes } from './service-egress.ts';
import { toNowhere, toServiceWay } from './service-way.ts';

export interface VpcOptions {
  /** What every way out has in common: listeners that would loop, and how tunnels are dialled. */
  ways: EgressWays;
  /** The store, once it is there; without one there are neither services nor networks. */
  control: () => Control | undefined;
  /** When the store is there. Default: at once. */
  ready?: Promise<unknown> | undefined;
  /** Why there is none, when that is not because nobody created it. */
  missing?: EdgeErrorCode | undefined;
  /** A service that is there and cannot be used: a certificate that is lost. */
  failed: (error: Error) => void;
}

/** What one Worker brings. */
export interface VpcWorker {
  egress: Egress;
  /** That of `egress`. */
  policy: Policy;
  findTrust: FindTls;
  onEvent: OnGatewayEvent;
}

/** A Worker's outlets, open for as long as its runtime runs. */
export interface WorkerOutlets {
  channels: readonly VpcChannel[];
  /** What its developer should know. */
  diagnostics: readonly Diagnostic[];
  close(): Promise<void>;
}

/** Cloudflare's name of everything that is routed; here the default virtual network. */
const wholeNetwork = 'cf1:network';

export class VpcService {
  /** What was asked of services. */
  readonly metrics: ServiceMetrics = new ServiceMetrics();
  readonly #options: VpcOptions;

  constructor(options: VpcOptions) {
    this.#options = options;
  }

  /** The way to a service for the edge itself, such as a pool whose database it is. */
  toEgress(service: Service): Egress {
    return createServiceEgress(service, { ways: this.#options.ways, tunnels: this.#tunnels });
  }

  /** The way to the service of an id. */
  findEgress(id: string): Egress | undefined {
    const service = this.#options.control()?.services.get(id);
    return service && this.toEgress(service);
  }

  /** The way to the service of an id and its TLS, over what its host has. */
  explained(id: string, findTrust: FindTls = () => bareTls): Explained | undefined {
    const egress = this.findEgress(id);
    if (egress === undefined) return undefined;
    return {
      egress,
      findTls: (target) => {
        const service = this.#options.control()!.services.resolve(id)!;
        return toServiceWay(service, { ways: this.#options.ways, tunnels: this.#tunnels, findTrust }).findTrust(target);
      },
    };
  }

  /** Opens an outlet for each of a project's bindings, with sockets in `directory`. */
  async open(project: Project, directory: string, worker: VpcWorker): Promise<WorkerOutlets> {
    const { vpcServices, vpcNetworks, mtlsCertificates } = project;
    if (vpcServices.length + vpcNetworks.length + mtlsCertificates.length > 0) await this.#options.ready;
    const diagnostics: Diagnostic[] = [];
    const outlets: Outlet[] = [];
    const stops: (() => void)[] = [];
    const close = async (): Promise<void> => {
      for (const stop of stops) stop();
      await Promise.all(outlets.map((outlet) => outlet.close()));
    };
    const add = async (
      { binding, throws }: { binding: string; throws: boolean },
      find: () => Way,
      onEvent = worker.onEvent,
    ): Promise<void> => {
      const path = join(directory, `vpc-${outlets.length}.sock`);
      outlets.push(await openOutlet({ binding, throws, path, find, onEvent }));
    };
    const missing = (code: EdgeErrorCode, binding: string, id: string): void => {
      diagnostics.push(toDiagnostic(this.#options.missing ?? code, `${id}, which ${binding} is bound to`, project));
    };
    try {
      for (const bound of vpcServices) {
        const { binding, serviceId } = bound;
        const id = serviceId.toLowerCase();
        const followed = this.#follow(id, worker);
        stops.push(followed.stop);
        if (!followed.exists) missing('vpc_service_unknown', binding, serviceId);
        await add(bound, followed.find, (event) => {
          this.metrics.count(id, event);
          worker.onEvent(event);
        });
      }
      for (const bound of vpcNetworks) {
        const { binding, network } = bound;
        const id = 'tunnelId' in network ? network.tunnelId.toLowerCase() : network.networkId;
        const way = 'tunnelId' in network ? this.#toTunnel(id, worker) : this.#toNetwork(id, worker);
        if (!this.#isKnown(id)) missing('vpc_network_unknown', binding, id);
        await add(bound, () => way);
      }
      for (const { binding, certificateId } of mtlsCertificates) {
        const id = certificateId.toLowerCase();
        const { find, trouble } = openCertificate(id, { binding, control: this.#options.control, worker });
        if (trouble !== undefined) {
          const code = this.#options.missing === undefined ? trouble : 'certificate_remote';
          diagnostics.push(toDiagnostic(code, `${certificateId}, which ${binding} is bound to`, project));
        }
        const users = (asked: string): string[] => (asked === id ? [`${project.name} (env.${binding})`] : []);
        stops.push(this.#options.control()?.certificates.addUsers(users) ?? (() => {}));
        await add({ binding, throws: false }, find);
      }
      return { channels: outlets, diagnostics, close };
    } catch (error) {
      await close();
      throw error;
    }
  }

  /** The way of a service as it is now, made anew only when the service changes. */
  #follow(id: string, worker: VpcWorker): { find: () => Way; stop: () => void; exists: boolean } {
    const { ways, failed } = this.#options;
    const control = this.#options.control();
    const nowhere = toNowhere(id);
    const tunnels = this.#tunnels;
    const build = (): Way => {
      try {
        const service = control?.services.resolve(id);
        return service === undefined ? nowhere : toServiceWay(service, { ways, tunnels, findTrust: worker.findTrust });
      } catch (error) {
        if (!(error instanceof ControlError)) throw error;
        failed(error);
        return nowhere;
      }
    };
    let way = build();
    const stop = control?.onChange((change) => {
      if (change.type === 'service-deleted' && change.id === id) this.metrics.forget(id);
      const isOwn = (change.type === 'service-changed' || change.type === 'service-deleted') && change.id === id;
      if (isOwn || (change.type === 'certificate-changed' && uses(control.services.get(id), change.id))) way = build();
    });
    return { find: () => way, stop: () => stop?.(), exists: control?.services.get(id) !== undefined };
  }

  #toTunnel(id: string, { policy, findTrust }: VpcWorker): Way {
    const { ways } = this.#options;
    return { egress: createNetworkEgress({ ways, policy, routes: toTunnelRoutes(id, this.#tunnels) }), findTrust };
  }

  #toNetwork(id: string, { policy, findTrust }: VpcWorker): Way {
    const { ways, control } = this.#options;
    const find = () => {
      const table = control()?.table;
      if (table === undefined) return undefined;
      if (id === wholeNetwork) return toRoutes(table);
      const name = table.networks().find((network) => network.id === id.toLowerCase())?.name;
      return name === undefined ? undefined : toRoutes(table, name);
    };
    const routes = {
      forName: (name: string) => find()?.forName(name),
      forAddress: (address: string) => find()?.forAddress(address),
    };
    return { egress: createNetworkEgress({ ways, policy, routes }), findTrust };
  }

  #isKnown(id: string): boolean {
    const table = this.#options.control()?.table;
    if (table === undefined) return false;
    if (id === wholeNetwork || table.tunnelName(id) !== undefined) return true;
    return table.networks().some((network) => network.id === id.toLowerCase());
  }

  readonly #tunnels = { tunnelName: (id: string) => this.#options.control()?.table.tunnelName(id) };
}

function uses(service: Service | undefined, certificateId: string): boolean {
  const { ca_certificate_id, mtls_certificate_id } = service?.tls_settings ?? {};
  return ca_certificate_id === certificateId || mtls_certificate_id === certificateId;
}

function toDiagnostic(code: EdgeErrorCode, which: string, { configPath }: Project): Diagnostic {
  const { message, remedy } = new EdgeError(code, which);
  return { severity: 'error', code, message, remedy, file: configPath, line: undefined, column: undefined };
}
