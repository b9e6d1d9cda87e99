// `sallyport vpc service explain`: the way a binding to a service takes, port by port, without taking it.
import type { Explanation } from '@sallyport/edge';
import type { ServiceInfo } from '@sallyport/control/client';
import type { Command } from '../../command.ts';
import { toLines } from '../../output/decision-text.ts';
import { describe } from '../explain-connect.ts';
import { createClient, edgeOptions, outputOptions, trying } from '../tunnel/control-command.ts';
import { checkFormat, print } from '../tunnel/print.ts';
import { findService } from './manage.ts';

export const explain: Command = {
  name: 'vpc service explain',
  summary:
    'Ask a running edge which way leads to a VPC service: policy, resolver, tunnel and link. Nothing is dialled.',
  positionals: ['SERVICE'],
  options: { ...outputOptions, ...edgeOptions },
  examples: [['sallyport vpc service explain api', 'why env.API gets a ProxyError, or that the way is free']],
  async run(values, [nameOrId = '']) {
    checkFormat(values);
    const client = createClient(values);
    const service = await findService(client, nameOrId);
    const explained = await trying('Could not explain the VPC service', () =>
      Promise.all(
        toPorts(service).map(([use, port]) =>
          client
            .call<Explanation>('GET', client.account('sallyport/explain'), {
              query: { worker: `service:${service.service_id}`, destination: `service:${port}` },
            })
            // A service's settings for TLS are for https alone.
            .then(({ tls, ...explanation }) => ({ use, ...explanation, tls: use === secure ? tls : undefined })),
        ),
      ),
    );
    print(values, explained, () =>
      explained
        .map(
          ({ use, ...each }) => toLines([['for', use]]) + describe({ ...each, worker: `VPC service ${service.name}` }),
        )
        .join('\n'),
    );
    return explained.every(isFree) ? 0 : 1;
  },
};

const secure = 'fetch() of https';

function isFree({ decision, link }: Explanation): boolean {
  return decision.verdict === 'allow' && (decision.route.kind === 'direct' || link !== undefined);
}

function toPorts({
  type,
  http_port: http,
  https_port: https,
  tcp_port: tcp,
}: ServiceInfo): [use: string, port: number][] {
  if (type === 'tcp') return [['connect()', tcp!]];
  if (http === undefined && https === undefined)
    return [
      ['fetch() of http', 80],
      [secure, 443],
    ];
  const ports: [string, number | undefined][] = [
    ['fetch() of http', http],
    [secure, https],
  ];
  return ports.filter((each): each is [string, number] => each[1] !== undefined);
}
