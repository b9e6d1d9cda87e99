// What is asked of private services, as Prometheus metrics. docs/guide/vpc.md has the list.
import type { Service } from '@sallyport/control';
import type { ServiceMetrics, ServiceUse } from '../vpc/service-metrics.ts';
import { type Family, type Labels, type Sample, toFamily, toHistogramFamily } from './exposition.ts';

const prefix = 'sallyport_vpc';

export function toVpcFamilies(services: readonly Service[], metrics: ServiceMetrics): Family[] {
  const used = services.flatMap(({ service_id: service, name }): [Labels, ServiceUse][] => {
    const use = metrics.get(service);
    return use === undefined ? [] : [[{ service, name }, use]];
  });
  const samples = used.flatMap(([labels, { results }]) =>
    [...results].flatMap(([kind, counts]) =>
      [...counts].map(([result, count]): Sample => [{ ...labels, kind, result }, count]),
    ),
  );
  const bytes = used.flatMap(([labels, use]): Sample[] => [
    [{ ...labels, direction: 'in' }, use.bytes.in],
    [{ ...labels, direction: 'out' }, use.bytes.out],
  ]);
  return [
    toFamily(`${prefix}_bytes_total`, 'counter', {
      help: 'Bytes from (in) and to (out) Workers by bindings to a service, heads of requests and answers included',
      samples: bytes,
    }),
    toFamily(`${prefix}_requests_total`, 'counter', {
      help: 'Requests and connections by bindings to a service: ok, aborted, or the ProxyError code',
      samples,
    }),
    toHistogramFamily(`${prefix}_seconds`, {
      help: "From a Worker's request to the head of its answer, or to the connection",
      series: used.map(([labels, { seconds }]) => [labels, seconds]),
    }),
  ];
}
