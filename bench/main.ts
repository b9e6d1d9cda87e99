// `npm run bench -- NAME`: one script per claim. Each measures ratios against peers in one run, because absolute numbers
// of two machines, or of two hours on one, cannot be compared.
import { parseArgs } from 'node:util';
import type { BenchOptions } from './kit/options.ts';
import { benchHyperdrive } from './hyperdrive.ts';
import { benchHyperdriveChaos } from './hyperdrive-chaos.ts';
import { benchServices } from './services.ts';
import { benchSockets } from './sockets.ts';
import { benchTunnel } from './tunnel.ts';

const benches: Record<string, (options: BenchOptions) => Promise<void>> = {
  hyperdrive: benchHyperdrive,
  'hyperdrive-chaos': benchHyperdriveChaos,
  services: benchServices,
  sockets: benchSockets,
  tunnel: benchTunnel,
};

const help = `npm run bench -- NAME [options]: a claim measured against its peers, in one run

  NAME          ${Object.keys(benches).join(', ')}
  --runs N      interleaved runs of each subject (default 7)
  --quick       small loads and two runs: shows that everything works, proves nothing
  --only WORD   only the measurements whose name contains this; may be repeated
  --no-build    measure packages/*/dist as it is, instead of building it first
  --write       put all raw runs and the table into bench/results/
  --help        this text

The last line is RESULT and one JSON object. Deno and Bun are fetched with npm, PgBouncer with apt-get, into .cache/bench
when missing; where they cannot be had, their keys are null and the reason is printed.`;

function parseOptions(): { name: string | undefined; options: BenchOptions } | undefined {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      runs: { type: 'string' },
      quick: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: [] },
      'no-build': { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return undefined;
  const runs = values.runs === undefined ? (values.quick ? 2 : 7) : Number(values.runs);
  if (!Number.isInteger(runs) || runs < 1) throw new Error(`--runs ${values.runs}: give a whole number, 1 or more`);
  if (positionals.length > 1) throw new Error(`one bench at a time; the arguments name ${positionals.length}`);
  const { quick, only, write } = values;
  return { name: positionals[0], options: { runs, quick, only, write, build: !values['no-build'] } };
}

try {
  const parsed = parseOptions();
  const bench = parsed?.name === undefined ? undefined : benches[parsed.name];
  if (parsed === undefined) console.log(help);
  else if (bench === undefined) throw new Error(`name a bench: ${Object.keys(benches).join(', ')} (--help says more)`);
  else await bench(parsed.options);
} catch (error) {
  console.error(error instanceof Error && 'code' in error ? error.message : error);
  process.exitCode = 1;
}
