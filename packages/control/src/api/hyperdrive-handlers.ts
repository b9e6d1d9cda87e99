// `/accounts/A/hyperdrive/configs`: configurations in Cloudflare's shapes, and what an edge knows of their pools.
import type { Control } from '../domain/control.ts';
import type { HyperdriveConfig, HyperdriveSettings, ResolvedHyperdriveConfig } from '../domain/hyperdrive-config.ts';
import { ControlError } from '../errors.ts';
import { ApiError, type Envelope, succeeded } from './envelope.ts';
import { type Body, queryText, toPage } from './request.ts';
import type { ApiRoute } from './router.ts';

/** What the edge does for configurations; without one of these, the API says that this edge does not do that. */
export interface HyperdriveHooks {
  /** Tries to connect as a configuration says, before it is stored. Rejects with an `ApiError` of a code `origin_…`. */
  check?: (config: ResolvedHyperdriveConfig) => Promise<void>;
  /** Drops the answers that depend on these tables or have these tags, or all. */
  purge?: (id: string, what: PurgeRequest) => Purged | Promise<Purged>;
  /** Whether a query's answer is kept, and why. */
  explain?: (id: string, query: { sql: string }) => object | Promise<object>;
  /** Of one pool, or of all; a configuration that nobody has used yet has none. */
  status?: (id?: string) => readonly object[] | Promise<readonly object[]>;
}

export interface Purged {
  /** How many answers were dropped. */
  purged: number;
  /** Tables that were named and that the database has not. */
  unknownTables?: readonly string[];
}

/** Neither of them means everything. */
export interface PurgeRequest {
  /** `orders`, `sales.items`. */
  tables?: readonly string[];
  /** What queries gave their answers in a comment. */
  tags?: readonly string[];
}

/** Tables, and tags, that one purge may name. */
export const maxPurged = 1000;
/** Longest query that can be explained, in characters. */
export const maxExplainedLength = 100_000;

export function hyperdriveHandlers({ hyperdrive }: Control, hooks: HyperdriveHooks = {}): ApiRoute[] {
  const path = '/accounts/:account/hyperdrive/configs';
  const { check } = hooks;
  const find = (id = ''): HyperdriveConfig => {
    const config = hyperdrive.get(id.toLowerCase());
    if (config === undefined) throw new ControlError('not_found', `Hyperdrive configuration ${id}`);
    return config;
  };
  return [
    {
      method: 'GET',
      path,
      handle({ query }) {
        const name = queryText(query, 'name');
        const found = hyperdrive.list().filter((config) => (name ?? config.name) === config.name);
        return toPage(query, found.map(toShape));
      },
    },
    {
      method: 'POST',
      path,
      handle: async ({ body }) =>
        show(await hyperdrive.create({ name: body.requiredText('name'), ...toSettings(body) }, check)),
    },
    { method: 'GET', path: `${path}/:id`, handle: ({ parameters }) => show(find(parameters['id'])) },
    {
      method: 'PUT',
      path: `${path}/:id`,
      async handle({ parameters, body }) {
        const { id } = find(parameters['id']);
        return show(await hyperdrive.replace(id, { name: body.requiredText('name'), ...toSettings(body) }, check));
      },
    },
    {
      method: 'PATCH',
      path: `${path}/:id`,
      async handle({ parameters, body }) {
        const { id } = find(parameters['id']);
        return show(await hyperdrive.update(id, { name: body.text('name'), ...toSettings(body) }, check));
      },
    },
    {
      method: 'DELETE',
      path: `${path}/:id`,
      async handle({ parameters }) {
        await hyperdrive.delete(find(parameters['id']).id);
        return succeeded(null);
      },
    },
    ...poolHandlers(hooks, { path, find }),
  ];
}

function poolHandlers(
  { purge, explain, status }: HyperdriveHooks,
  { path, find }: { path: string; find: (id?: string) => HyperdriveConfig },
): ApiRoute[] {
  /** The id of a configuration, or of a pool that runs without one, as those of local connection strings do. */
  const findPool = async (id = ''): Promise<string> => {
    const running = (await status?.(id)) ?? [];
    return running.length > 0 ? id : find(id).id;
  };
  return [
    {
      method: 'POST',
      path: `${path}/:id/purge`,
      async handle({ parameters, body }) {
        const id = await findPool(parameters['id']);
        if (purge === undefined) throw noPools('purge');
        const { purged, unknownTables = [] } = await purge(id, toPurge(body));
        return succeeded({ purged, ...(unknownTables.length === 0 ? {} : { unknown_tables: unknownTables }) });
      },
    },
    {
      method: 'POST',
      path: `${path}/:id/explain`,
      async handle({ parameters, body }) {
        const id = await findPool(parameters['id']);
        if (explain === undefined) throw noPools('ask');
        const sql = body.requiredText('sql');
        if (sql.length > maxExplainedLength) {
          throw new ApiError('invalid_request', `"sql" has more than ${maxExplainedLength} characters`);
        }
        return succeeded(await explain(id, { sql }));
      },
    },
    {
      method: 'GET',
      path: `${path}/:id/status`,
      async handle({ parameters }) {
        const id = await findPool(parameters['id']);
        if (status === undefined) throw noPools('tell of');
        return succeeded(await status(id));
      },
    },
    {
      method: 'GET',
      path: '/accounts/:account/hyperdrive/status',
      async handle() {
        if (status === undefined) throw noPools('tell of');
        return succeeded(await status());
      },
    },
  ];
}

function noPools(to: string): ApiError {
  return new ApiError('not_supported', `it has no pools to ${to}`);
}

function toPurge(body: Body): PurgeRequest {
  const [tables, tags] = ['tables', 'tags'].map((name) => body.texts(name, maxPurged));
  // An empty list means nothing, and must not become everything.
  if (tables?.length === 0 || tags?.length === 0) {
    throw new ApiError('invalid_request', 'the list is empty; leave "tables" and "tags" out to purge everything');
  }
  return { ...(tables === undefined ? {} : { tables }), ...(tags === undefined ? {} : { tags }) };
}

/** Ways to an origin that Cloudflare has and this edge has not, and what to use instead. */
const otherWays = {
  access_client_id: 'Access in front of a database; name the host itself: a tunnel route leads there',
  access_client_secret: 'Access in front of a database; name the host itself: a tunnel route leads there',
} as const;

function toSettings(body: Body): HyperdriveSettings {
  const origin = body.object('origin');
  const caching = body.object('caching');
  const mtls = body.object('mtls');
  for (const [name, what] of Object.entries(otherWays)) {
    if (origin?.has(name) === true) throw new ApiError('not_supported', `"${name}": no ${what}`);
  }
  return {
    origin: origin && {
      scheme: origin.text('scheme'),
      host: origin.text('host'),
      port: origin.number('port'),
      service_id: origin.text('service_id'),
      database: origin.text('database'),
      user: origin.text('user'),
      password: origin.text('password'),
    },
    caching: caching && {
      disabled: caching.boolean('disabled'),
      max_age: caching.number('max_age'),
      stale_while_revalidate: caching.number('stale_while_revalidate'),
    },
    mtls: mtls && {
      ca_certificate_id: mtls.isNull('ca_certificate_id') ? null : mtls.text('ca_certificate_id'),
      mtls_certificate_id: mtls.isNull('mtls_certificate_id') ? null : mtls.text('mtls_certificate_id'),
      sslmode: mtls.text('sslmode'),
      channel_binding: mtls.isNull('channel_binding') ? null : mtls.text('channel_binding'),
    },
    origin_connection_limit: body.isNull('origin_connection_limit') ? null : body.number('origin_connection_limit'),
  };
}

function show(config: HyperdriveConfig): Envelope {
  return succeeded(toShape(config));
}

function toShape({ id, name, origin, caching, ...rest }: HyperdriveConfig): object {
  return { id, name, origin, caching: caching.disabled ? { disabled: true } : caching, ...rest };
}
