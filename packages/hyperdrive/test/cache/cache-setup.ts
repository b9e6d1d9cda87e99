// A pooler with a cache in front of a real server, which is known before the first query comes.
import type { TestScope } from '@sallyport/testkit';
import type { Client } from 'pg';
import type { CacheStatus, Caching, PoolerCache } from '../../src/index.ts';
import { startSetup } from '../pooler-setup.ts';
import type { Setup, SetupOptions } from '../pooler-setup.ts';

export interface CacheSetup extends Setup {
  cache: PoolerCache;
  /** What a piece of work was counted as. */
  counted(work: () => Promise<unknown>): Promise<Partial<Record<CacheStatus, number>>>;
  /** Makes tables and the like, around the pooler, and waits until that is known. */
  prepare(sql: string): Promise<void>;
}

export async function startCacheSetup(
  t: TestScope,
  { caching, ...options }: SetupOptions & { caching?: Partial<Caching> } = {},
): Promise<CacheSetup> {
  const setup = await startSetup(t, {
    ...options,
    pooler: {
      ...options.pooler,
      caching: { disabled: false, maxAge: 60, staleWhileRevalidate: 15, ...caching },
    },
  });
  const { pooler } = setup;
  const cache = pooler.cache!;
  await cache.load();
  const direct: Client = await setup.direct();
  return {
    ...setup,
    cache,
    async counted(work) {
      const before: Record<string, number | undefined> = { ...pooler.metrics.queriesByCacheStatus };
      await work();
      const after = Object.entries(pooler.metrics.queriesByCacheStatus);
      return Object.fromEntries(
        after.map(([name, count = 0]) => [name, count - (before[name] ?? 0)]).filter(([, count]) => count !== 0),
      );
    },
    async prepare(sql) {
      await direct.query(sql);
      cache.knowledge.invalidate();
      await cache.load();
    },
  };
}
