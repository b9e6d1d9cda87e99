// What the control API asks the edge about its databases: whether a configuration works, how its pool is, and what its
// cache holds.
import { ApiError, type HyperdriveHooks, type ResolvedHyperdriveConfig } from '@sallyport/control';
import { createEgress, definePolicy, EgressError } from '@sallyport/egress';
import { HyperdriveError, probeOrigin, toOriginProblem } from '@sallyport/hyperdrive';
import { toConfiguredDatabase } from './configured-database.ts';
import type { HyperdriveService } from './hyperdrive-service.ts';
import { type OriginWay, toOrigin } from './origin.ts';
import { toPoolStatus } from './pool-status.ts';

/** The service comes later than the API that asks it. */
export function createHyperdriveHooks(service: () => HyperdriveService | undefined): HyperdriveHooks {
  return {
    async check(config) {
      const running = service();
      if (running !== undefined) await check(config, running.way);
    },
    async purge(id, { tables, tags }) {
      const cache = await service()?.cacheOf(id);
      const what = { ...(tables === undefined ? {} : { tables }), ...(tags === undefined ? {} : { tags }) };
      const purged = (await cache?.purge(what)) ?? 0;
      return { purged, unknownTables: cache?.unknownTables(tables ?? []) ?? [] };
    },
    async explain(id, { sql }) {
      const cache = await service()?.cacheOf(id);
      if (cache === undefined) throw new ApiError('not_supported', 'the edge is just starting, or stopping');
      return cache.explain(sql);
    },
    status: (id) =>
      (service()?.fleet.status() ?? []).filter((each) => id === undefined || each.id === id).map(toPoolStatus),
  };
}

/** Milliseconds for the login, and again for the query: a client of the control API waits 30 s for its answer. */
const checkTimeout = 12_000;

/** Connects once as the configuration says. Rejects with an `ApiError` of a documented number. */
async function check(config: ResolvedHyperdriveConfig, way: OriginWay): Promise<void> {
  if (config.mtls.sslmode === 'disable') await refusePublic(config, way);
  try {
    await probeOrigin(toOrigin(toConfiguredDatabase(config), way), { connectTimeout: checkTimeout });
  } catch (error) {
    const { message, cause } = error as Error;
    const { detail } = (cause ?? {}) as { detail?: unknown };
    const said = typeof detail === 'string' ? `${message} (${detail})` : message;
    throw new ApiError(toOriginProblem(error), said, { cause: error, remedy: remedyOf(error) });
  }
}

/** Where it says more than the documented number does: of TLS, and of what egress refuses. */
function remedyOf(error: unknown): string {
  if (!(error instanceof HyperdriveError)) return '';
  if (error.code.startsWith('tls_') && error.code !== 'tls_unsupported') return error.remedy;
  return error.cause instanceof EgressError ? error.remedy : '';
}

const publicEgress = createEgress({ policy: definePolicy([{ action: 'allow', to: 'public' }]) });

/** Over the Internet, in the clear, goes no password. */
async function refusePublic(
  { origin: { host, port }, service }: ResolvedHyperdriveConfig,
  { egress: direct, toService }: OriginWay,
): Promise<void> {
  const egress = (service && toService?.(service)) ?? direct;
  const { route, addresses } = await egress.decide({ hostname: host, port });
  if (route.kind !== 'direct') return;
  for (const address of addresses) {
    const { verdict } = await publicEgress.decide({ hostname: address, port });
    if (verdict === 'deny') continue;
    throw new ApiError('origin_without_tls', `sslmode "disable", and ${host} is at the public address ${address}`, {
      remedy: 'Use sslmode "require" or better; "disable" is for private networks and tunnels.',
    });
  }
}
