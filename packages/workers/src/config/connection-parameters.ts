// The parameters of a connection string. As in libpq, one that is not known is an error: of a misspelt `sslmode` nothing
// would be left but a connection in the clear.
import type { ChannelBinding, DatabaseLocation, SslMode } from '../project.ts';
import type { ConnectionProblem } from './connection-string.ts';
import { suggest } from './suggest.ts';

export type ConnectionParameters = Pick<
  DatabaseLocation,
  'sslmode' | 'sslrootcert' | 'sslcert' | 'sslkey' | 'channelBinding'
>;

const sslModes: readonly SslMode[] = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'];
const channelBindings: readonly ChannelBinding[] = ['require', 'prefer', 'disable'];
const honoured = ['sslmode', 'ssl', 'sslrootcert', 'sslcert', 'sslkey', 'channel_binding'];

/** What can be left to the pool, which has timeouts and names of its own. */
const ignored = [
  'application_name',
  'fallback_application_name',
  'client_encoding',
  'connect_timeout',
  'keepalives',
  'keepalives_idle',
  'keepalives_interval',
  'keepalives_count',
  'tcp_user_timeout',
  'pgbouncer',
  'uselibpqcompat',
];

/** What the pool does anyway; another value would ask for what it does not do. */
const fixed: Readonly<Record<string, readonly string[]>> = {
  gssencmode: ['prefer', 'disable'],
  sslnegotiation: ['postgres'],
  target_session_attrs: ['any'],
};

const isSslMode = (text: string): text is SslMode => (sslModes as readonly string[]).includes(text);

export function readParameters(given: URLSearchParams): ConnectionParameters | ConnectionProblem {
  for (const name of new Set(given.keys())) {
    const problem = findProblem(name, given.getAll(name));
    if (problem !== undefined) return problem;
  }
  const parameter = (name: string): string | undefined => given.get(name) ?? undefined;
  const [sslrootcert, sslcert, sslkey] = ['sslrootcert', 'sslcert', 'sslkey'].map(parameter);
  if ((sslcert === undefined) !== (sslkey === undefined)) {
    const [there, missing] = sslcert === undefined ? ['sslkey', 'sslcert'] : ['sslcert', 'sslkey'];
    return { problem: `it has ${there} and no ${missing}`, remedy: 'Name both: the certificate and its private key.' };
  }
  const sslmode = toSslMode(parameter('sslmode'), parameter('ssl'));
  if (typeof sslmode === 'object') return sslmode;
  const channelBinding = toChannelBinding(parameter('channel_binding'), sslmode);
  if (typeof channelBinding === 'object') return channelBinding;
  return { sslmode, sslrootcert, sslcert, sslkey, channelBinding };
}

function toChannelBinding(
  text: string | undefined,
  sslmode: SslMode | undefined,
): ChannelBinding | undefined | ConnectionProblem {
  if (text === undefined) return undefined;
  const known = channelBindings.find((each) => each === text);
  if (known === undefined) {
    const problem = `channel_binding is ${text}; known are ${channelBindings.join(', ')}`;
    return { problem, remedy: 'Leave it out: the channel is bound when the database offers that.' };
  }
  if (known === 'require' && (sslmode === 'disable' || sslmode === 'allow')) {
    const remedy = 'Write sslmode=require or better, or leave channel_binding out.';
    return { problem: `channel_binding=require needs TLS, and sslmode is ${sslmode}`, remedy };
  }
  return known;
}

function findProblem(name: string, [value = '', ...more]: readonly string[]): ConnectionProblem | undefined {
  if (more.length > 0) return { problem: `${name} is said more than once`, remedy: 'Keep one of them.' };
  const possible = fixed[name];
  if (possible !== undefined) {
    if (possible.includes(value)) return undefined;
    return { problem: `${name} cannot be ${value}`, remedy: `Leave ${name} out, or write ${possible.join(' or ')}.` };
  }
  if (honoured.includes(name) || ignored.includes(name)) return undefined;
  const known = [...honoured, ...ignored];
  const meant = suggest(name, known);
  return {
    problem: `the parameter ${name} is not known`,
    remedy:
      meant === undefined
        ? `Leave it out. Known are ${known.filter((each) => !each.startsWith('keepalives_')).join(', ')}.`
        : `Did you mean ${meant}?`,
  };
}

/** `ssl`, which some drivers have, says less than `sslmode` does. */
function toSslMode(mode: string | undefined, ssl: string | undefined): SslMode | undefined | ConnectionProblem {
  if (mode !== undefined && !isSslMode(mode)) {
    const meant = suggest(mode, sslModes);
    return {
      problem: `sslmode is ${mode}; known are ${sslModes.join(', ')}`,
      remedy: meant === undefined ? 'Write one of these: sslmode=require encrypts.' : `Did you mean sslmode=${meant}?`,
    };
  }
  if (ssl === undefined) return mode;
  if (ssl !== 'true' && ssl !== 'false') {
    return {
      problem: `ssl is ${ssl}, neither true nor false`,
      remedy: 'Say it with sslmode, such as sslmode=require.',
    };
  }
  const insists = mode === 'require' || mode === 'verify-ca' || mode === 'verify-full';
  if (mode !== undefined && (ssl === 'true' ? !insists : mode !== 'disable')) {
    return {
      problem: `ssl=${ssl} and sslmode=${mode} say different things`,
      remedy: 'Keep sslmode, and leave ssl out.',
    };
  }
  return mode ?? (ssl === 'true' ? 'require' : 'disable');
}
