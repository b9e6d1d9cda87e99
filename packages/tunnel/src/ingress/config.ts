// What a `config.yml` says once it is read: the shapes, and the defaults of every origin option.
import type { PolicyEntry } from '@sallyport/egress';
import type { ConfigProblemCode } from './config-problems.table.ts';
import type { IngressService } from './service.ts';

/** Where something is wrong or worth a warning in a configuration file. */
export interface ConfigDiagnostic {
  severity: 'error' | 'warning';
  /** Stable; never match on messages. */
  code: ConfigProblemCode;
  /** What happened, with which value: cloudflared's words where it has any. */
  message: string;
  remedy: string;
  file: string;
  /** 1-based; undefined when the file as a whole is meant. */
  line: number | undefined;
  column: number | undefined;
}

/** One row of `originRequest.ipRules`. */
export interface IpRule {
  prefix: string;
  ports: number[];
  allow: boolean;
}

export interface AccessRequirement {
  required: boolean;
  teamName: string;
  audTag: string[];
  environment: string;
}

/** How the connector talks to an origin. Durations are milliseconds. */
export interface OriginRequest {
  connectTimeout: number;
  tlsTimeout: number;
  tcpKeepAlive: number;
  noHappyEyeballs: boolean;
  keepAliveConnections: number;
  keepAliveTimeout: number;
  httpHostHeader: string;
  originServerName: string;
  matchSNItoHost: boolean;
  caPool: string;
  noTLSVerify: boolean;
  disableChunkedEncoding: boolean;
  bastionMode: boolean;
  proxyAddress: string;
  proxyPort: number;
  proxyType: string;
  ipRules: IpRule[];
  http2Origin: boolean;
  access: AccessRequirement | undefined;
}

export interface WarpRouting {
  connectTimeout: number;
  tcpKeepAlive: number;
  /** 0 means without limit. */
  maxActiveFlows: number;
}

/** Tests a decoded path; linear in its length whatever the pattern. */
export interface PathPattern {
  readonly source: string;
  test: (path: string) => boolean;
}

export interface IngressRule {
  /** As written; empty means every host. */
  hostname: string;
  /** The hostname in its IDNA form, when that differs. */
  punycodeHostname: string | undefined;
  path: PathPattern | undefined;
  service: IngressService;
  originRequest: OriginRequest;
}

/** Which private destinations the connector dials when no ingress rule names them. Entries in the order written. */
export interface PrivateNetwork {
  /** Undefined: the announced routes. Otherwise they count for nothing, and only what is listed is dialled. */
  allow: readonly PolicyEntry[] | undefined;
  deny: readonly PolicyEntry[];
  /** DNS servers as `ip` or `ip:port`; none means the system's resolver. */
  resolver: readonly string[];
}

export interface TunnelConfig {
  /** Name or UUID; undefined when the file leaves it to the command line. */
  tunnel: string | undefined;
  credentialsFile: string | undefined;
  ingress: IngressRule[];
  originRequest: OriginRequest;
  warpRouting: WarpRouting;
  privateNetwork: PrivateNetwork;
  /** Every other top-level key: a command-line flag of that name. */
  settings: Record<string, unknown>;
}

/** What applies where neither rule nor file says anything. */
export const originRequestDefaults: Readonly<OriginRequest> = {
  connectTimeout: 30_000,
  tlsTimeout: 10_000,
  tcpKeepAlive: 30_000,
  noHappyEyeballs: false,
  keepAliveConnections: 100,
  keepAliveTimeout: 90_000,
  httpHostHeader: '',
  originServerName: '',
  matchSNItoHost: false,
  caPool: '',
  noTLSVerify: false,
  disableChunkedEncoding: false,
  bastionMode: false,
  proxyAddress: '127.0.0.1',
  proxyPort: 0,
  proxyType: '',
  ipRules: [],
  http2Origin: false,
  access: undefined,
};

export const warpRoutingDefaults: Readonly<WarpRouting> = {
  connectTimeout: 5000,
  tcpKeepAlive: 30_000,
  maxActiveFlows: 0,
};
