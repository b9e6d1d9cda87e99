// Durations as Go writes them (`30s`, `1h15m`, `1.5s`), in milliseconds [time.ParseDuration].

const milliseconds: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** The longest Go can hold, 2^63 - 1 nanoseconds, in milliseconds. */
const longest = 9_223_372_036_854;

/** Milliseconds; undefined when the text is no duration. */
export function parseDuration(text: string): number | undefined {
  const [, sign, body = ''] = /^([-+]?)(.*)$/s.exec(text) ?? [];
  if (body === '0') return 0;
  if (!/^(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/.test(body)) return undefined;
  let total = 0;
  for (const [, amount, unit] of body.matchAll(/([\d.]+)([a-zµμ]+)/g)) total += Number(amount) * milliseconds[unit!]!;
  if (total > longest) return undefined;
  return sign === '-' ? -total : total;
}
