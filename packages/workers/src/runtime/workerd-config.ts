// workerd's configuration for one Worker. It holds no `network` service: the only way out is the service `internet`, which
// is the edge's gateway. The name matters, because workerd invents a public `internet` where none is defined.
import type { Bundle, ModuleType } from '../bundle/bundle.ts';
import type { Json, Project } from '../project.ts';
import { type Literal, toCapnp, toText, type Value } from './capnp-text.ts';
import { toWorkerFlags } from './worker-flags.ts';

/** Headers the edge may set on its requests; workerd removes them. */
export const edgeHeaders = {
  /** `http` or `https`: the scheme of `request.url`. */
  protocol: 'sallyport-forwarded-proto',
  /** JSON that becomes `request.cf`. */
  cf: 'sallyport-cf',
} as const;

/** Names of workerd's listening sockets, as its control messages say them. */
export const listeners = { http: 'http', triggers: 'triggers' } as const;

export interface WorkerdConfigOptions {
  project: Project;
  bundle: Bundle;
  gatewaySocket: string;
  httpSocket: string;
  triggersSocket: string;
  hyperdrive: readonly HyperdriveChannel[];
  vpc: readonly VpcChannel[];
  stateDirectory: string;
  /** The file, relative to the configuration, that holds module `index` of the bundle. */
  moduleFile: (index: number) => string;
  /** Source of the trigger Worker. */
  triggers: string;
  /** Source of the Worker behind `caches`. */
  cache: string;
  /** Source of the module behind bindings that throw. */
  throwing: string;
}

/**
 * A database as the Worker sees it. User, password and database are the edge's own, made for this binding: the origin's
 * are not in this configuration.
 */
export interface HyperdriveChannel {
  binding: string;
  /** Unix socket where the edge's pooler answers. */
  socket: string;
  user: string;
  password: string;
  database: string;
}

/** A private service or network as the Worker sees it: a way out of its own. */
export interface VpcChannel {
  binding: string;
  /** Unix socket where the edge takes its requests and connections. */
  socket: string;
  /** Whether its `fetch()` rejects with what the edge answers for what it cannot reach. */
  throws: boolean;
}

const moduleFields: Record<ModuleType, string> = {
  esModule: 'esModule',
  commonJs: 'commonJsModule',
  text: 'text',
  data: 'data',
  wasm: 'wasm',
};

/** A recent date for our own Workers in the configuration: they depend on nothing older. */
const ownDate = '2026-08-01';

const embed = (file: string): Literal => ({ literal: `embed ${toText(file)}` });

function toVariable(name: string, value: Json): Value {
  return typeof value === 'string' ? { name, text: value } : { name, json: JSON.stringify(value) };
}

/** Stable over restarts and edits: it names the folder of the class's objects. */
const toUniqueKey = (project: Project, className: string): string => `${project.name}-${className}`;

/** workerd dials the designator itself, so it has to be a socket and cannot be a Worker. */
const toChannelService = (index: number): string => `hyperdrive-${index}`;
/** Name of the module that bindings which throw are made by. */
const throwingModule = 'sallyport-internal:throwing';
const toVpcService = (index: number): string => `vpc-${index}`;

function toWorker({ project, bundle, moduleFile, hyperdrive, vpc }: WorkerdConfigOptions): Value {
  const classes = new Map(project.durableObjects.map((binding) => [binding.className, binding]));
  return {
    modules: bundle.modules.map(({ name, type }, index) => ({ name, [moduleFields[type]]: embed(moduleFile(index)) })),
    compatibilityDate: project.compatibilityDate,
    compatibilityFlags: toWorkerFlags(project),
    bindings: [
      ...Object.entries(project.vars).map(([name, value]) => toVariable(name, value)),
      ...project.durableObjects.map(({ binding, className }) => ({
        name: binding,
        durableObjectNamespace: { className },
      })),
      ...hyperdrive.map(({ binding, user, password, database }, index) => ({
        name: binding,
        hyperdrive: { designator: toChannelService(index), scheme: 'postgresql', user, password, database },
      })),
      ...vpc.map(({ binding, throws }, index) =>
        throws
          ? {
              name: binding,
              wrapped: {
                moduleName: throwingModule,
                innerBindings: [{ name: 'service', service: toVpcService(index) }],
              },
            }
          : { name: binding, service: toVpcService(index) },
      ),
    ],
    globalOutbound: 'internet',
    cacheApiOutbound: 'cache',
    ...(classes.size > 0 && {
      durableObjectNamespaces: [...classes.values()].map(({ className, sqlite }) => ({
        className,
        uniqueKey: toUniqueKey(project, className),
        enableSql: sqlite,
      })),
      durableObjectStorage: { localDisk: 'state' },
    }),
  };
}

/** The configuration file's text. */
export function toWorkerdConfig(options: WorkerdConfigOptions): string {
  const { gatewaySocket, httpSocket, triggersSocket, stateDirectory, triggers, cache, throwing, hyperdrive, vpc } =
    options;
  const style: Literal = { literal: 'proxy' };
  const config: Value = {
    logging: { structuredLogging: true },
    services: [
      { name: 'worker', worker: toWorker(options) },
      { name: 'internet', external: { address: `unix:${gatewaySocket}`, http: { style } } },
      ...hyperdrive.map(({ socket }, index) => ({
        name: toChannelService(index),
        external: { address: `unix:${socket}`, tcp: {} },
      })),
      ...vpc.map(({ socket }, index) => ({
        name: toVpcService(index),
        external: { address: `unix:${socket}`, http: { style } },
      })),
      { name: 'cache', worker: { modules: [{ name: 'cache.js', esModule: cache }], compatibilityDate: ownDate } },
      { name: 'state', disk: { path: stateDirectory, writable: true } },
      {
        name: 'triggers',
        worker: {
          modules: [{ name: 'triggers.js', esModule: triggers }],
          compatibilityDate: ownDate,
          compatibilityFlags: ['service_binding_extra_handlers'],
          bindings: [{ name: 'USER', service: 'worker' }],
        },
      },
    ],
    extensions: [{ modules: [{ name: throwingModule, internal: true, esModule: throwing }] }],
    sockets: [
      {
        name: listeners.http,
        address: `unix:${httpSocket}`,
        http: { forwardedProtoHeader: edgeHeaders.protocol, cfBlobHeader: edgeHeaders.cf },
        service: 'worker',
      },
      { name: listeners.triggers, address: `unix:${triggersSocket}`, http: {}, service: 'triggers' },
    ],
  };
  return `using Workerd = import "/workerd/workerd.capnp";\nconst config :Workerd.Config = ${toCapnp(config)};\n`;
}
