// A Worker project after its configuration has been read, merged for one environment and checked.
//
// Everything behind this type (bundling, the runtime's configuration, supervision) works from it alone and never looks
// at a wrangler file again.

/** One module rule: files matching `globs` are imported as `type`. */
export interface ModuleRule {
  type: 'ESModule' | 'CommonJS' | 'CompiledWasm' | 'Text' | 'Data';
  globs: string[];
  fallthrough: boolean;
}

/** A Durable Object namespace bound to `binding`; the class is exported by this same Worker. */
export interface DurableObjectBinding {
  binding: string;
  className: string;
  /** True when a migration declares the class under `new_sqlite_classes`. */
  sqlite: boolean;
}

/** A queue this Worker consumes; messages arrive through the manual trigger for now. */
export interface QueueConsumer {
  queue: string;
  maxBatchSize: number;
}

/** How the connection to a database is protected, by libpq's names. */
export type SslMode = 'disable' | 'allow' | 'prefer' | 'require' | 'verify-ca' | 'verify-full';

/** A database as a connection string names it. */
export interface DatabaseLocation {
  host: string;
  port: number;
  user: string;
  password: string;
  database: string;
  sslmode: SslMode | undefined;
  /** Absolute path of a PEM file with authorities, or `system`. */
  sslrootcert: string | undefined;
  /** Absolute paths of a client certificate and its key. */
  sslcert: string | undefined;
  sslkey: string | undefined;
  /** Whether the password proves the TLS connection, too. Default: when the server offers it. */
  channelBinding: ChannelBinding | undefined;
}

export type ChannelBinding = 'require' | 'prefer' | 'disable';

/** A pooled database bound to `binding`. */
export interface HyperdriveBinding {
  binding: string;
  /** Names a configuration of the edge; empty when only development needs it. */
  id: string;
  /** The database to use in development, in place of the configuration. */
  local: DatabaseLocation | undefined;
}

/** A private service bound to `binding`. */
export interface VpcServiceBinding {
  binding: string;
  /** Names a service of the edge. */
  serviceId: string;
  /** Whether a `fetch()` that cannot reach it rejects, instead of resolving with a response that says so. */
  throws: boolean;
}

/** A private network bound to `binding`: all that one tunnel reaches, or what a virtual network's routes cover. */
export interface VpcNetworkBinding {
  binding: string;
  network: { tunnelId: string } | { networkId: string };
  /** As of a service. */
  throws: boolean;
}

/** A client certificate bound to `binding`, shown by its `fetch()`. */
export interface MtlsCertificateBinding {
  binding: string;
  /** Names a certificate of the edge. */
  certificateId: string;
}

/** A JSON value, as `vars` may hold. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

export interface Project {
  /** The Worker's name, with the environment's suffix where wrangler would add one. */
  name: string;
  /** Absolute path of the configuration file. */
  configPath: string;
  /** Absolute folder of the configuration file: relative paths in it start here. */
  root: string;
  /** The environment selected by `--env` or `CLOUDFLARE_ENV`. */
  environment: string | undefined;
  /** Absolute path of the entry module (`main`). */
  main: string;
  compatibilityDate: string;
  compatibilityFlags: string[];
  /** `vars` with `.dev.vars` / `.env` merged over them. */
  vars: Record<string, Json>;
  /** Names in `vars` that came from `.dev.vars` / `.env`: never printed. */
  secretNames: string[];
  rules: ModuleRule[];
  alias: Record<string, string>;
  define: Record<string, string>;
  tsconfig: string | undefined;
  jsxFactory: string | undefined;
  jsxFragment: string | undefined;
  minify: boolean;
  keepNames: boolean;
  /** Modules are passed to the runtime as they are, without bundling. */
  noBundle: boolean;
  /** The user's own build step, run before bundling. */
  build: { command: string | undefined; cwd: string; watchDirs: string[] };
  crons: string[];
  queueConsumers: QueueConsumer[];
  durableObjects: DurableObjectBinding[];
  hyperdrive: HyperdriveBinding[];
  vpcServices: VpcServiceBinding[];
  vpcNetworks: VpcNetworkBinding[];
  mtlsCertificates: MtlsCertificateBinding[];
  /** `dev` settings of the file. */
  dev: { ip: string; port: number };
  /** Files whose change means the project must be read again (the config, `.dev.vars`, `.env`, …). */
  watchFiles: string[];
}

/** Something to tell the user about their configuration, with the place it is about. */
export interface Diagnostic {
  severity: 'error' | 'warning';
  /** Stable code from the package's error registry, such as `unsupported_key`. */
  code: string;
  message: string;
  /** What to do about it. */
  remedy: string;
  /** Absolute path of the file. */
  file: string;
  /** 1-based; undefined when the problem has no single place. */
  line: number | undefined;
  column: number | undefined;
  /** The text of that line, for showing it with a caret. */
  quote?: string | undefined;
}
