// What the control API asks the edge about its databases: whether a configuration works, and how its pool is.
import { ApiError, type HyperdriveHooks } from '@sallyport/control';
import { probeOrigin, toOriginProblem } from '@sallyport/hyperdrive';
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
      return (await cache?.purge(what)) ?? 0;
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

/** Connects once as the configuration says. Rejects with an `ApiError` of a documented number. */
async function check(config: Parameters<NonNullable<HyperdriveHooks['check']>>[0], way: OriginWay): Promise<void> {
  try {
    await probeOrigin(toOrigin(toConfiguredDatabase(config), way));
  } catch (error) {
    const { message, cause } = error as Error;
    const detail = (cause as { detail?: unknown } | undefined)?.detail;
    const said = typeof detail === 'string' ? `${message} (${detail})` : message;
    throw new ApiError(toOriginProblem(error), said);
  }
}
