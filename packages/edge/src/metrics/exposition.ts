// Prometheus' text format 0.0.4, for numbers that somebody else counts: they are read when they are asked for.
import { bucketBounds, type Histogram } from '@sallyport/hyperdrive';

export type Labels = Readonly<Record<string, string>>;

/** One metric with all its series. */
export interface Family {
  name: string;
  help: string;
  type: 'counter' | 'gauge' | 'histogram';
  /** Lines of the format, without the name's header. */
  lines: readonly string[];
}

export type Sample = readonly [labels: Labels, value: number];

export function toFamily(
  name: string,
  type: 'counter' | 'gauge',
  { help, samples }: { help: string; samples: readonly Sample[] },
): Family {
  return { name, help, type, lines: samples.map(([labels, value]) => `${name}${toLabelText(labels)} ${value}`) };
}

export function toHistogramFamily(
  name: string,
  { help, series }: { help: string; series: readonly (readonly [labels: Labels, histogram: Histogram])[] },
): Family {
  const lines = series.flatMap(([labels, { buckets, sum, count }]) => {
    let below = 0;
    const bounded = bucketBounds.map((bound, index) => {
      below += buckets[index] ?? 0;
      return `${name}_bucket${toLabelText({ ...labels, le: String(bound) })} ${below}`;
    });
    const text = toLabelText(labels);
    return [
      ...bounded,
      `${name}_bucket${toLabelText({ ...labels, le: '+Inf' })} ${count}`,
      `${name}_sum${text} ${sum}`,
      `${name}_count${text} ${count}`,
    ];
  });
  return { name, help, type: 'histogram', lines };
}

/** A page of families; those without a series are left out. */
export function toExposition(families: readonly Family[]): string {
  return families
    .filter(({ lines }) => lines.length > 0)
    .map(({ name, help, type, lines }) => [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines, ''].join('\n'))
    .join('');
}

function toLabelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => {
    const escaped = value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
    return `${name}="${escaped}"`;
  });
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}
