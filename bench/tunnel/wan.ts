// The claim about distance: one stream over a line of 1 Gbit/s and 50 ms, which the test kit's fault proxy makes between
// connector and edge. The proxy alone is measured too: what it cannot do, no tunnel through it can.
import { Scope } from '../kit/scope.ts';
import { toMedian } from '../kit/statistics.ts';
import type { Row } from '../kit/table.ts';
import type { Context } from './context.ts';
import { startProxy, startTunnel } from './ways.ts';

const line = { delay: 25, bytesPerSecond: 125_000_000 };
const target = { value: 0.8, atLeast: true };

export async function measureWan(context: Context): Promise<Row[]> {
  const { plan, runs, patience, targets, load, raw, wants } = context;
  if (!wants('wan')) return [];
  const bytes = plan.wanBytes;
  await using scope = new Scope();
  const tunnel = scope.use(await startTunnel(targets, line));
  const alone = {
    source: (await startProxy(scope, { port: targets.source, ...line })).port,
    sink: (await startProxy(scope, { port: targets.sink, ...line })).port,
  };
  const rows: Row[] = [];
  for (const direction of ['down', 'up'] as const) {
    const server = direction === 'down' ? 'source' : 'sink';
    const share = async (port: number): Promise<number> => {
      const { flow } = await load.ask<{ flow: number }>(direction, { port, bytes });
      return bytes / (flow / 1000) / line.bytesPerSecond;
    };
    const shares: Record<'tunnel' | 'proxy', number[]> = { tunnel: [], proxy: [] };
    for (let round = 0; round < Math.min(runs, plan.slowRuns); round += 1) {
      shares.tunnel.push(await patience.inQuiet(() => share(tunnel.entries[server])));
      shares.proxy.push(await patience.inQuiet(() => share(alone[server])));
    }
    raw[`wan_${direction}`] = shares;
    const [ours, proxy] = [toMedian(shares.tunnel), toMedian(shares.proxy)];
    console.log(`wan ${direction}: tunnel ${ours.toFixed(3)}, proxy alone ${proxy.toFixed(3)} of the line`);
    rows.push({
      key: direction === 'down' ? 'wan_50ms_share' : 'wan_50ms_share_up',
      what: `one stream ${direction}, ${bytes >> 20} MiB at 50 ms and 1 Gbit/s: share of the line, first byte to last`,
      peer: `proxy alone ${proxy.toFixed(2)}`,
      value: ours,
      target,
    });
  }
  return rows;
}
