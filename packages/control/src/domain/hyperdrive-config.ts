// What a Hyperdrive configuration is, and what may be in one.
import { toCanonicalHost } from '@sallyport/egress';
import { ControlError } from '../errors.ts';
import type { Service } from './service-settings.ts';

export const sslModes = ['disable', 'require', 'verify-ca', 'verify-full'] as const;
export type SslMode = (typeof sslModes)[number];

export interface HyperdriveOrigin {
  readonly scheme: 'postgres' | 'postgresql';
  /** A canonical name, or an address without brackets; neither this nor a port for a service. */
  readonly host?: string;
  readonly port?: number;
  /** The VPC service that the database is. */
  readonly service_id?: string;
  readonly database: string;
  readonly user: string;
}

/** Times in seconds. */
export interface HyperdriveCaching {
  readonly disabled: boolean;
  readonly max_age: number;
  readonly stale_while_revalidate: number;
}

export interface HyperdriveMtls {
  /** Of the certificate store: the authority that the origin's certificate is checked against. */
  readonly ca_certificate_id?: string;
  /** What we show the origin. */
  readonly mtls_certificate_id?: string;
  readonly sslmode: SslMode;
  /** As libpq has it; undefined is `prefer`. */
  readonly channel_binding?: ChannelBinding;
}

export type ChannelBinding = 'require' | 'prefer' | 'disable';
const channelBindings: readonly ChannelBinding[] = ['require', 'prefer', 'disable'];

/** What may be shown of a configuration: everything but the password. Times are ISO 8601. */
export interface HyperdriveConfig {
  /** 32 hexadecimal digits. */
  readonly id: string;
  readonly name: string;
  readonly origin: HyperdriveOrigin;
  readonly caching: HyperdriveCaching;
  readonly mtls: HyperdriveMtls;
  /** Most connections to the origin; the pool's own default when left out. */
  readonly origin_connection_limit?: number;
  readonly created_on: string;
  readonly modified_on: string;
}

/** With everything a pool needs to connect. Not to be shown. */
export interface ResolvedHyperdriveConfig extends HyperdriveConfig {
  readonly origin: HyperdriveOrigin & { readonly host: string; readonly port: number; readonly password: string };
  /** The service of `service_id`, whose host and port are the origin's. */
  readonly service?: Service;
  /** PEM. */
  readonly tls: { readonly ca?: string; readonly certificate?: string; readonly key?: string };
}

/** As somebody writes it. In a change, what is left out stays, and `null` takes away. */
export interface HyperdriveSettings {
  origin?:
    | {
        scheme?: string | undefined;
        host?: string | undefined;
        port?: number | undefined;
        service_id?: string | undefined;
        database?: string | undefined;
        user?: string | undefined;
        password?: string | undefined;
      }
    | undefined;
  caching?:
    | {
        disabled?: boolean | undefined;
        max_age?: number | undefined;
        stale_while_revalidate?: number | undefined;
      }
    | undefined;
  mtls?:
    | {
        ca_certificate_id?: string | null | undefined;
        mtls_certificate_id?: string | null | undefined;
        sslmode?: string | undefined;
        channel_binding?: string | null | undefined;
      }
    | undefined;
  origin_connection_limit?: number | null | undefined;
}

/** [PostgreSQL: NAMEDATALEN - 1; Hyperdrive: limits] */
export const maxDatabaseNameBytes = 63;
export const maxPasswordBytes = 1024;
/** Seconds [Hyperdrive: max_age]. */
export const maxCacheSeconds = 3600;
/** [Hyperdrive: limits] */
export const maxConnectionLimit = 1500;

const defaultCaching: HyperdriveCaching = { disabled: false, max_age: 60, stale_while_revalidate: 15 };

/** Text that could not be written as UTF-8 and read back. */
const loneSurrogate = /\p{Surrogate}/u;
// oxlint-disable-next-line no-control-regex -- control characters are what is being refused
const controls = /[\u0000-\u001f\u007f]|\p{Surrogate}/u;

/** @throws ControlError `invalid_value` */
export function toOrigin(settings: HyperdriveSettings['origin'] = {}, known?: HyperdriveOrigin): HyperdriveOrigin {
  const { scheme = known?.scheme ?? 'postgresql' } = settings;
  if (scheme === 'mysql') throw invalid('a MySQL origin: only PostgreSQL can be pooled here for now');
  if (scheme !== 'postgres' && scheme !== 'postgresql') {
    throw invalid(`the scheme ${JSON.stringify(scheme)}: there are "postgresql" and "postgres"`);
  }
  return {
    scheme,
    ...toPlace(settings, known),
    database: toName('database', settings.database ?? known?.database),
    user: toName('user', settings.user ?? known?.user),
  };
}

/** Either a host and its port, or a service; naming one in a change takes the other away. */
function toPlace(
  { host, port, service_id }: NonNullable<HyperdriveSettings['origin']>,
  known?: HyperdriveOrigin,
): Pick<HyperdriveOrigin, 'host' | 'port' | 'service_id'> {
  if (service_id !== undefined && (host !== undefined || port !== undefined)) {
    throw invalid('an origin is either a host and a port, or a service_id');
  }
  const service = service_id ?? (host === undefined && port === undefined ? known?.service_id : undefined);
  if (service !== undefined) return { service_id: service.toLowerCase() };
  const asked = port ?? known?.port ?? 5432;
  if (!isWhole(asked, { least: 1, most: 65_535 })) throw invalid(`the port ${asked} is not from 1 to 65535`);
  return { host: toHost(host ?? known?.host), port: asked };
}

/** @throws ControlError `invalid_value`, which never shows the password */
export function checkPassword(password: string | undefined): string {
  if (password === undefined || password === '') throw invalid('the origin needs a password');
  if (Buffer.byteLength(password) > maxPasswordBytes || password.includes('\0') || loneSurrogate.test(password)) {
    throw invalid(`the password is longer than ${maxPasswordBytes} bytes, or is no text`);
  }
  return password;
}

/** @throws ControlError `invalid_value` */
export function toCaching(
  settings: HyperdriveSettings['caching'] = {},
  known: HyperdriveCaching = defaultCaching,
): HyperdriveCaching {
  const { disabled = known.disabled, max_age, stale_while_revalidate } = settings;
  if (disabled && (max_age !== undefined || stale_while_revalidate !== undefined)) {
    throw invalid('max_age and stale_while_revalidate cannot be set when caching is disabled');
  }
  return {
    disabled,
    max_age: toSeconds('max_age', max_age ?? known.max_age),
    stale_while_revalidate: toSeconds('stale_while_revalidate', stale_while_revalidate ?? known.stale_while_revalidate),
  };
}

function toSeconds(name: string, value: number): number {
  if (isWhole(value, { least: 0, most: maxCacheSeconds })) return value;
  throw invalid(`${name} is a whole number of seconds from 0 to ${maxCacheSeconds}, not ${value}`);
}

/** Whether the certificates exist is for the caller to see. @throws ControlError `invalid_value` */
export function toMtls(
  settings: HyperdriveSettings['mtls'] = {},
  known: HyperdriveMtls = { sslmode: 'require' },
): HyperdriveMtls {
  const sslmode = toSslMode(settings.sslmode ?? known.sslmode);
  const ca = settings.ca_certificate_id === undefined ? known.ca_certificate_id : settings.ca_certificate_id;
  const own = settings.mtls_certificate_id === undefined ? known.mtls_certificate_id : settings.mtls_certificate_id;
  const ids = {
    ...(ca == null || ca === '' ? {} : { ca_certificate_id: ca.toLowerCase() }),
    ...(own == null || own === '' ? {} : { mtls_certificate_id: own.toLowerCase() }),
  };
  if (sslmode === 'disable' && Object.keys(ids).length > 0) {
    throw invalid('certificates are of no use with sslmode "disable"');
  }
  const said = settings.channel_binding === undefined ? known.channel_binding : settings.channel_binding;
  const binding = said == null ? undefined : toChannelBinding(said);
  if (sslmode === 'disable' && binding === 'require') {
    throw invalid('channel_binding "require" needs TLS, and sslmode is "disable"');
  }
  return { ...ids, sslmode, ...(binding === undefined ? {} : { channel_binding: binding }) };
}

function toChannelBinding(text: string): ChannelBinding {
  const known = channelBindings.find((each) => each === text);
  if (known !== undefined) return known;
  const all = channelBindings.map((each) => JSON.stringify(each)).join(', ');
  throw invalid(`channel_binding ${JSON.stringify(text.slice(0, 100))}: there are ${all}`);
}

function toSslMode(text: string): SslMode {
  const known = sslModes.find((mode) => mode === text);
  if (known !== undefined) return known;
  const why =
    text === 'prefer' || text === 'allow'
      ? ': whoever is in between decides whether there is TLS. Use "require"'
      : `: there are ${sslModes.map((mode) => JSON.stringify(mode)).join(', ')}`;
  throw invalid(`sslmode ${JSON.stringify(text.slice(0, 100))}${why}`);
}

/** @throws ControlError `invalid_value` */
export function toConnectionLimit(limit: number | null | undefined, known?: number): number | undefined {
  if (limit === undefined) return known;
  if (limit === null) return undefined;
  if (isWhole(limit, { least: 1, most: maxConnectionLimit })) return limit;
  throw invalid(`origin_connection_limit is a whole number from 1 to ${maxConnectionLimit}, not ${limit}`);
}

function toHost(text: string | undefined): string {
  if (text === undefined || text === '') throw invalid('the origin needs a host');
  if (text.startsWith('/')) throw invalid('the origin is a host name or an address, not a local socket');
  const host = toCanonicalHost(text);
  if ('problem' in host) throw invalid(`the host ${JSON.stringify(text.slice(0, 300))} ${host.problem}`);
  return host.text.replace(/^\[(.*)\]$/, '$1');
}

function toName(noun: string, text: string | undefined): string {
  if (text === undefined || text === '') throw invalid(`the origin needs a ${noun}`);
  if (Buffer.byteLength(text) > maxDatabaseNameBytes) {
    throw invalid(`the ${noun} has at most ${maxDatabaseNameBytes} bytes, not ${Buffer.byteLength(text)}`);
  }
  if (controls.test(text)) throw invalid(`the ${noun} ${JSON.stringify(text)} holds a control character`);
  return text;
}

function isWhole(value: number, { least, most }: { least: number; most: number }): boolean {
  return Number.isInteger(value) && value >= least && value <= most;
}

function invalid(detail: string): ControlError {
  return new ControlError('invalid_value', detail);
}
