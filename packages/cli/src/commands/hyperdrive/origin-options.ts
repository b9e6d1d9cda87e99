// The options that say where a database is and how it is used, of `hyperdrive create` and `update`, with wrangler's names.
import type { ControlClient } from '@sallyport/control/client';
import { CommandError } from '../../command-error.ts';
import { type Option, toText, toWhole, UsageError, type Values } from '../../command.ts';
import { findService } from '../vpc/manage.ts';
import { readSecret } from './secret-input.ts';

export const settingOptions: Record<string, Option> = {
  'connection-string': {
    value: 'URL',
    help: 'postgres://user:password@host:port/database?sslmode=…; "-" reads it from standard input',
  },
  'origin-host': { value: 'HOST', help: 'Host of the database; a tunnel route may lead there' },
  host: { value: 'HOST', help: 'The same as --origin-host' },
  'origin-port': { value: 'PORT', help: 'Its port (default: 5432)' },
  port: { value: 'PORT', help: 'The same as --origin-port' },
  'origin-scheme': { value: 'SCHEME', help: 'postgresql or postgres (default: postgresql)' },
  scheme: { value: 'SCHEME', help: 'The same as --origin-scheme' },
  database: { value: 'NAME', help: 'Name of the database' },
  'origin-user': { value: 'USER', help: 'User to log in as' },
  user: { value: 'USER', help: 'The same as --origin-user' },
  'origin-password': {
    value: 'PASSWORD',
    help: 'Its password; "-" reads it from standard input, where others on this machine cannot see it',
  },
  password: { value: 'PASSWORD', help: 'The same as --origin-password' },
  'caching-disabled': { help: 'Keep no answers (--caching-disabled=false turns it back on)' },
  'max-age': {
    value: 'SECONDS',
    help: 'How long an answer is served without asking again (default: 60); with 0 it is asked again behind each answer',
  },
  swr: {
    value: 'SECONDS',
    help: 'How much longer it is served while it is asked for again (default: 15); with 0 not at all',
  },
  'ca-certificate-id': { value: 'ID', help: 'Authority to check the database against; see "cert upload"' },
  'ca-certificate-uuid': { value: 'ID', help: 'The same as --ca-certificate-id' },
  'mtls-certificate-id': { value: 'ID', help: 'Client certificate to show the database; see "cert upload"' },
  'mtls-certificate-uuid': { value: 'ID', help: 'The same as --mtls-certificate-id' },
  sslmode: {
    value: 'MODE',
    help: 'require, verify-ca, verify-full, or disable for a private database (default: require)',
  },
  'origin-connection-limit': { value: 'COUNT', help: 'Most connections to the database, 1 to 1500 (default: 20)' },
  'service-id': {
    value: 'ID',
    help: 'VPC service of type tcp that the database is, by ID or name, in place of host and port',
  },
};

export interface OriginBody {
  scheme?: string | undefined;
  host?: string | undefined;
  port?: number | undefined;
  service_id?: string | undefined;
  database?: string | undefined;
  user?: string | undefined;
  password?: string | undefined;
}

export interface SettingsBody {
  origin?: OriginBody | undefined;
  caching?: {
    disabled?: boolean | undefined;
    max_age?: number | undefined;
    stale_while_revalidate?: number | undefined;
  };
  mtls?: {
    ca_certificate_id?: string | undefined;
    mtls_certificate_id?: string | undefined;
    sslmode?: string | undefined;
    channel_binding?: string | undefined;
  };
  origin_connection_limit?: number | undefined;
}

/** What a request's body says for these options; what was not given is not in it. @throws UsageError, CommandError */
export async function toSettings(values: Values): Promise<SettingsBody> {
  const { origin, sslmode, channelBinding } = await toOrigin(values);
  const caching = {
    disabled: values['caching-disabled'] as boolean | undefined,
    max_age: toWhole(values, 'max-age'),
    stale_while_revalidate: toWhole(values, 'swr'),
  };
  const mtls = {
    ca_certificate_id: either(values, 'ca-certificate-id', 'ca-certificate-uuid'),
    mtls_certificate_id: either(values, 'mtls-certificate-id', 'mtls-certificate-uuid'),
    sslmode: toText(values, 'sslmode') ?? sslmode,
    channel_binding: channelBinding,
  };
  return {
    ...(isEmpty(origin) ? {} : { origin }),
    ...(isEmpty(caching) ? {} : { caching }),
    ...(isEmpty(mtls) ? {} : { mtls }),
    origin_connection_limit: toWhole(values, 'origin-connection-limit'),
  };
}

/** What a connection string says beside TLS' own options. */
interface ReadOrigin {
  origin: OriginBody;
  sslmode?: string | undefined;
  channelBinding?: string | undefined;
}

/** A service may be called by its name; the API knows ids. @throws CommandError */
export async function nameService(client: ControlClient, { origin }: SettingsBody): Promise<void> {
  if (origin?.service_id === undefined) return;
  origin.service_id = (await findService(client, origin.service_id)).service_id;
}

async function toOrigin(values: Values): Promise<ReadOrigin> {
  const parts = {
    scheme: either(values, 'origin-scheme', 'scheme'),
    host: either(values, 'origin-host', 'host'),
    port: toWhole(values, 'origin-port') ?? toWhole(values, 'port'),
    database: toText(values, 'database'),
    user: either(values, 'origin-user', 'user'),
    service_id: toText(values, 'service-id'),
  };
  if (parts.service_id !== undefined && (parts.host !== undefined || parts.port !== undefined)) {
    throw new UsageError('--service-id stands in place of --origin-host and --origin-port');
  }
  const password = either(values, 'origin-password', 'password');
  const string = toText(values, 'connection-string');
  if (string === undefined) return { origin: { ...parts, password: await readSecret('password', password) } };
  const conflict = Object.entries(parts).find(([, value]) => value !== undefined)?.[0];
  if (conflict !== undefined) {
    const option = conflict === 'database' ? conflict : conflict === 'service_id' ? 'service-id' : `origin-${conflict}`;
    throw new UsageError(`--connection-string says the ${conflict} too: leave out either it or --${option}`);
  }
  if (string === '-' && password === '-') throw new UsageError('Only one of the two can be read from standard input');
  const read = await parseString((await readSecret('connection string', string))!);
  if (read.origin.password !== undefined && password !== undefined) {
    throw new UsageError('--connection-string has a password: leave it out there, or leave out --origin-password');
  }
  return {
    ...read,
    origin: { ...read.origin, password: read.origin.password ?? (await readSecret('password', password)) },
  };
}

/** @throws CommandError, which does not show the string */
async function parseString(text: string): Promise<ReadOrigin> {
  // Only here, because that package takes a while to load.
  const { parseConnectionString } = await import('@sallyport/workers');
  const parsed = parseConnectionString(text);
  if ('problem' in parsed) {
    throw new CommandError(
      `The connection string cannot be used: ${parsed.problem}`,
      parsed.remedy ??
        'Write it as postgres://user:password@host:port/database, with special characters percent-encoded.',
    );
  }
  const { host, port, database, user, sslmode, sslrootcert, sslcert, sslkey, channelBinding } = parsed;
  if ([sslcert, sslkey].some((file) => file !== undefined) || (sslrootcert ?? 'system') !== 'system') {
    throw new CommandError(
      'The connection string names certificate files, which the edge cannot read',
      'Upload them with "sallyport cert upload", and use --ca-certificate-id and --mtls-certificate-id.',
    );
  }
  const scheme = text.slice(0, text.indexOf(':')).toLowerCase();
  const mode = sslmode ?? (sslrootcert === 'system' ? 'verify-full' : undefined);
  const origin = { scheme, host, port, database, user, password: parsed.password || undefined };
  return { origin, sslmode: mode, channelBinding };
}

/** An option that has two names. */
function either(values: Values, name: string, other: string): string | undefined {
  return toText(values, name) ?? toText(values, other);
}

function isEmpty(value: object): boolean {
  return Object.values(value).every((each) => each === undefined);
}
