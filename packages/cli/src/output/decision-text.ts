// A decision of egress, for people: one row for each thing it says.
import type { Decision } from '@sallyport/egress';

export type Row = [name: string, value: string];

const resolvers: Record<Decision['resolver'], string> = {
  none: 'none: nothing to resolve',
  edge: "this machine's",
  connector: "the connector's, which checks what it finds",
};

export function decisionRows(decision: Decision): Row[] {
  const { verdict, destination, rule, resolver, addresses, refused, route, code, message, remedy } = decision;
  const rows: Row[] = [
    ['verdict', verdict],
    ['destination', destination === undefined ? 'not a destination' : `${destination.host} port ${destination.port}`],
    ['rule', rule],
    ['resolver', resolvers[resolver]],
    ['addresses', addresses.join(', ') || (resolver === 'connector' ? 'known at the connector' : 'none')],
    ...refused.map((item): Row => ['refused', `${item.address} (${item.rule})`]),
  ];
  if (verdict === 'deny') return [...rows, ['code', code], ['message', message], ['remedy', remedy]];
  if (route.kind === 'direct') return [...rows, ['route', 'direct, from this machine']];
  return [
    ...rows,
    [
      'route',
      route.network === undefined ? 'straight into the tunnel' : `${route.match} in virtual network ${route.network}`,
    ],
    ['tunnel', `${route.tunnelName} (${route.tunnelId})`],
  ];
}

export function toLines(rows: readonly Row[]): string {
  return rows.map(([name, value]) => `${name.padEnd(12)} ${value}\n`).join('');
}
