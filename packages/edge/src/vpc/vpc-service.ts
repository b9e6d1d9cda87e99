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
import { createNetworkEgress } from './network-egress.ts';
import { createOwnNetworks, type Networks, toNameRemedy } from './networks.ts';
import { openOutlet, type Outlet, type Way } from './outlet.ts';
import type { FollowedService } from './outlet-requests.ts';
import { openRemoteOutlet, type SessionEvents } from './remote-outlet.ts';
import type { RemoteVpc } from './remote-vpc.ts';
import { ServiceMetrics } from './service-metrics.ts';
import { createServiceEgress, type EgressWays } from './service-egress.ts';
import { toNowhere, toServiceWay } from './service-way.ts';

export interface VpcOptions {
  /** What every way out has in common: listeners that would loop, and how tunnels are dialled. */
  ways: EgressWays;
  /** The store, once it is there; without one there are neither services nor networks. */
  control: () => Control | undefined;
  /** When the store is there. Default: at once. */
  ready?: Promise<unknown> | undefined;
  /** Another edge, whose services and networks are used in place of those of a store here. */
  remote?: RemoteVpc | undefined;
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
  /** Keeps no idle connection to where requests go from now on. */
  retire(): void;
  close(): Promise<void>;
}

export class VpcService {
  /** What was asked of services. */
  readonly metrics: ServiceMetrics = new ServiceMetrics();
  readonly #options: VpcOptions;
  readonly #networks: Networks;

  constructor(options: VpcOptions) {
    this.#options = options;
    this.#networks = options.remote?.networks ?? createOwnNetworks(options.control);
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
      await Promise.all(outlets.map((outlet) => outlet.close()));
      for (const stop of stops) stop();
    };
    const add = async (
      { binding, throws }: { binding: string; throws: boolean },
      find: () => Way,
      onEvent = worker.onEvent,
    ): Promise<Outlet> => {
      const path = join(directory, `vpc-${outlets.length}.sock`);
      const outlet = await openOutlet({ binding, throws, path, find, onEvent });
      outlets.push(outlet);
      return outlet;
    };
    const missing = (code: EdgeErrorCode, binding: string, id: string, remedy?: string): void => {
      diagnostics.push(toDiagnostic(code, { which: `${id}, which ${binding} is bound to`, remedy }, project));
    };
    const { remote } = this.#options;
    try {
      for (const bound of vpcServices) {
        const { binding, serviceId } = bound;
        const id = serviceId.toLowerCase();
        if (!(await this.#hasService(id))) {
          const meant = await this.#idOf(serviceId);
          const remedy = meant && `That is a service's name: write its id, ${meant}, as service_id.`;
          missing('vpc_service_unknown', binding, serviceId, remedy);
        }
        if (remote === undefined) {
          const { stop, find, watch, onEvent } = this.follow(id, worker);
          stops.push(stop);
          watch((await add(bound, find, onEvent)).traffic!);
        } else {
          const path = join(directory, `vpc-${outlets.length}.sock`);
          const openSession = (events: SessionEvents) => remote.openSession(id, events);
          outlets.push(
            await openRemoteOutlet({ ...bound, path, openSession, url: remote.url, onEvent: worker.onEvent }),
          );
        }
      }
      for (const bound of vpcNetworks) {
        const { binding, network } = bound;
        const written = 'tunnelId' in network ? network.tunnelId : network.networkId;
        const id = written.toLowerCase();
        const into = 'tunnelId' in network ? this.#networks.intoTunnel(id) : this.#networks.intoNetwork(id);
        if (!(await this.#networks.has(id))) {
          missing('vpc_network_unknown', binding, written, toNameRemedy(await this.#networks.named(written)));
        }
        const { policy, findTrust } = worker;
        const { routes, dialTunnel = this.#options.ways.dialTunnel } = into;
        const egress = createNetworkEgress({ ways: { ...this.#options.ways, dialTunnel }, policy, routes });
        const way: Way = { egress, findTrust };
        await add(bound, () => way);
      }
      for (const { binding, certificateId } of mtlsCertificates) {
        const id = certificateId.toLowerCase();
        const { find, trouble } = openCertificate(id, { binding, control: this.#options.control, worker });
        if (trouble !== undefined) {
          const code = remote === undefined ? trouble : 'certificate_remote';
          missing(code, binding, certificateId);
        }
        const users = (asked: string): string[] => (asked === id ? [`${project.name} (env.${binding})`] : []);
        stops.push(this.#options.control()?.certificates.addUsers(users) ?? (() => {}));
        await add({ binding, throws: false }, find);
      }
      const retire = (): void => {
        for (const outlet of outlets) outlet.retire();
      };
      return { channels: outlets, diagnostics, retire, close };
    } catch (error) {
      await close();
      throw error;
    }
  }

  #hasService(id: string): Promise<boolean> {
    const { remote, control } = this.#options;
    return remote?.hasService(id) ?? Promise.resolve(control()?.services.get(id) !== undefined);
  }

  /** The id of the service with a name. */
  #idOf(name: string): Promise<string | undefined> {
    const { remote, control } = this.#options;
    return remote?.idOf(name) ?? Promise.resolve(control()?.services.find(name)?.service_id);
  }

  /** The way of a service as it is now, made anew only when the service changes; what comes by it is counted. */
  follow(id: string, { findTrust, onEvent }: Pick<VpcWorker, 'findTrust' | 'onEvent'>): FollowedService {
    const { ways, failed } = this.#options;
    const control = this.#options.control();
    const nowhere = toNowhere(id);
    const tunnels = this.#tunnels;
    const build = (): Way => {
      try {
        const service = control?.services.resolve(id);
        return service === undefined ? nowhere : toServiceWay(service, { ways, tunnels, findTrust });
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
    const unwatch: (() => void)[] = [];
    return {
      find: () => way,
      onEvent: (event) => {
        this.metrics.count(id, event);
        onEvent(event);
      },
      watch: (traffic) => void unwatch.push(this.metrics.watch(id, traffic)),
      stop: () => {
        stop?.();
        for (const each of unwatch) each();
      },
    };
  }

  readonly #tunnels = { tunnelName: (id: string) => this.#options.control()?.table.tunnelName(id) };
}

function uses(service: Service | undefined, certificateId: string): boolean {
  const { ca_certificate_id, mtls_certificate_id } = service?.tls_settings ?? {};
  return ca_certificate_id === certificateId || mtls_certificate_id === certificateId;
}

function toDiagnostic(
  code: EdgeErrorCode,
  about: { which: string; remedy: string | undefined },
  { configPath }: Project,
): Diagnostic {
  const { message, remedy } = new EdgeError(code, about.which, about);
  return { severity: 'error', code, message, remedy, file: configPath, line: undefined, column: undefined };
}
