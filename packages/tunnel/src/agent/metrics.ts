// Counters, gauges and histograms, written in Prometheus' text format 0.0.4. Our own, because the client library for it
// needs a newer Node than we support; what is measured is in `connector-metrics.ts`.

type Labels = Readonly<Record<string, string>>;

export interface Counter {
  add(amount?: number, labels?: Labels): void;
}

export interface Gauge {
  set(value: number, labels?: Labels): void;
  add(amount: number): void;
}

export interface Histogram {
  observe(value: number): void;
}

type Samples = () => string[];

/** Series one metric may have; further label sets are counted under `other`. */
export const maxSeries = 200;

export class Metrics {
  readonly #families: { name: string; type: string; help: string; samples: Samples }[] = [];

  counter(name: string, help: string): Counter {
    const series = this.#series(name, 'counter', help);
    return { add: (amount = 1, labels = {}) => series.change(labels, (value) => value + amount) };
  }

  gauge(name: string, help: string): Gauge {
    const series = this.#series(name, 'gauge', help);
    return {
      set: (value, labels = {}) => series.change(labels, () => value),
      add: (amount) => series.change({}, (value) => value + amount),
    };
  }

  /** A gauge that is read when it is asked for. */
  read(name: string, help: string, value: () => number): void {
    this.#families.push({ name, type: 'gauge', help, samples: () => [`${name} ${value()}`] });
  }

  histogram(name: string, help: string, buckets: readonly number[]): Histogram {
    const counts = buckets.map(() => 0);
    let count = 0;
    let sum = 0;
    const samples: Samples = () => [
      ...buckets.map((bound, index) => `${name}_bucket{le="${bound}"} ${counts[index]}`),
      `${name}_bucket{le="+Inf"} ${count}`,
      `${name}_sum ${sum}`,
      `${name}_count ${count}`,
    ];
    this.#families.push({ name, type: 'histogram', help, samples });
    return {
      observe(value) {
        count += 1;
        sum += value;
        for (const [index, bound] of buckets.entries()) if (value <= bound) counts[index]! += 1;
      },
    };
  }

  toText(): string {
    return this.#families
      .map(({ name, type, help, samples }) =>
        [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...samples(), ''].join('\n'),
      )
      .join('');
  }

  #series(name: string, type: string, help: string): { change(labels: Labels, to: (value: number) => number): void } {
    const values = new Map<string, number>();
    const samples: Samples = () =>
      values.size === 0 ? [`${name} 0`] : [...values].map(([labels, value]) => `${name}${labels} ${value}`);
    this.#families.push({ name, type, help, samples });
    return {
      change(labels, to) {
        const wanted = toLabelText(labels);
        const key = values.has(wanted) || values.size < maxSeries ? wanted : '{other="true"}';
        values.set(key, to(values.get(key) ?? 0));
      },
    };
  }
}

function toLabelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => {
    const escaped = value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
    return `${name}="${escaped}"`;
  });
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}
