// `sallyport explain connect`: asks a running edge what one of its Workers would get, down to the link.
import { ControlClient, findEdge } from '@sallyport/control/client';
import type { Explanation } from '@sallyport/edge';
import { type Command, toText, UsageError } from '../command.ts';
import { CommandError } from '../command-error.ts';
import { decisionRows, type Row, toLines } from '../output/decision-text.ts';
import { edgeOptions } from './tunnel/control-command.ts';

export const explainConnect: Command = {
  name: 'explain connect',
  summary:
    'Ask a running edge what a Worker that connects to a destination gets: rule, resolver, route, tunnel and link.',
  positionals: ['[WORKER]', 'HOST:PORT'],
  options: { ...edgeOptions, json: { help: 'Print the answer as JSON' } },
  examples: [
    ['sallyport explain connect api db.internal:5432', 'the way the Worker "api" takes to a database'],
    ['sallyport explain connect hyperdrive db.internal:5432', 'the way a pool takes to its database'],
    ['sallyport explain connect 10.0.0.7:22', 'the same, where there is only one Worker'],
  ],
  async run(values, positionals) {
    const destination = positionals.at(-1)!;
    if (!/^.+:\d{1,5}$/.test(destination)) throw new UsageError(`Not a destination: ${destination}. Write HOST:PORT.`);
    const worker = positionals.length > 1 ? positionals[0] : undefined;
    const client = new ControlClient(
      findEdge({
        state: toText(values, 'state'),
        apiUrl: toText(values, 'api-url'),
        apiTokenFile: toText(values, 'api-token-file'),
      }),
    );
    const query = { destination, worker };
    const answer = await client.call<Explanation | { workers: string[] }>('GET', client.account('sallyport/explain'), {
      query,
    });
    if ('workers' in answer) throw noSuchWorker(worker, answer.workers);
    const explanation = answer;
    const text = values['json'] === true ? `${JSON.stringify(explanation, null, 2)}\n` : describe(explanation);
    process.stdout.write(text);
    const { decision, link } = explanation;
    return decision.verdict === 'allow' && (decision.route.kind === 'direct' || link !== undefined) ? 0 : 1;
  },
};

function noSuchWorker(asked: string | undefined, workers: readonly string[]): CommandError {
  const there = workers.length === 0 ? 'This edge runs no Worker' : `This edge runs ${workers.join(', ')}`;
  const message = asked === undefined ? there : `There is no Worker ${asked}. ${there}`;
  const remedy =
    workers.length === 0
      ? 'Add a [[worker]] to sallyport.toml: what may be reached depends on who asks.'
      : 'Name one of them: sallyport explain connect WORKER HOST:PORT.';
  return new CommandError(message, remedy);
}

/** The decision, line by line; `worker` is who asked. */
export function describe({ worker, decision, link, tls }: Explanation): string {
  const rows = [...decisionRows(decision), ...tlsRows(tls)];
  if (decision.route.kind === 'tunnel') {
    rows.push([
      'link',
      link === undefined ? 'none: start a connector with `sallyport tunnel run`' : `${link.id} (${link.streams} open)`,
    ]);
    if (link !== undefined) {
      rows.push(['connector', `${link.connectorId} from ${link.remoteAddress}`]);
      rows.push(['round trip', link.roundTrip === undefined ? 'not measured yet' : `${link.roundTrip.toFixed(1)} ms`]);
    }
  }
  return toLines([['worker', worker], ...rows]);
}

/** What a connection with TLS would be made with. */
function tlsRows(tls: Explanation['tls']): Row[] {
  if (tls === undefined) return [];
  const { source, place, authorities, certificate, certificateEnds } = tls;
  const ends = certificateEnds === undefined ? '' : `, until ${new Date(certificateEnds).toISOString().slice(0, 10)}`;
  return [
    ['tls', `${source}${place === undefined ? '' : ` (${place})`}`],
    ['authorities', authorities],
    ['shows', certificate === undefined ? 'no client certificate' : `client certificate ${certificate}${ends}`],
  ];
}
