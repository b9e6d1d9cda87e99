// `sallyport explain connect`: asks a running edge what one of its Workers would get, down to the link.
import { ControlClient, findEdge } from '@sallyport/control/client';
import type { Explanation } from '@sallyport/edge';
import { type Command, toText } from '../command.ts';
import { decisionRows, toLines } from '../output/decision-text.ts';
import { edgeOptions } from './tunnel/control-command.ts';

export const explainConnect: Command = {
  name: 'explain connect',
  summary:
    'Ask a running edge what a Worker that connects to a destination gets: rule, resolver, route, tunnel and link.',
  positionals: ['[WORKER]', 'HOST:PORT'],
  options: { ...edgeOptions, json: { help: 'Print the answer as JSON' } },
  examples: [
    ['sallyport explain connect api db.internal:5432', 'the way the Worker "api" takes to a database'],
    ['sallyport explain connect 10.0.0.7:22', 'the same, where there is only one Worker'],
  ],
  async run(values, positionals) {
    const destination = positionals.at(-1)!;
    const worker = positionals.length > 1 ? positionals[0] : undefined;
    const client = new ControlClient(
      findEdge({
        state: toText(values, 'state'),
        apiUrl: toText(values, 'api-url'),
        apiTokenFile: toText(values, 'api-token-file'),
      }),
    );
    const query = { destination, worker };
    const explanation = await client.call<Explanation>('GET', client.account('sallyport/explain'), { query });
    const text = values['json'] === true ? `${JSON.stringify(explanation, null, 2)}\n` : describe(explanation);
    process.stdout.write(text);
    return explanation.decision.verdict === 'allow' ? 0 : 1;
  },
};

function describe({ worker, decision, link }: Explanation): string {
  const rows = decisionRows(decision);
  if (decision.route.kind === 'tunnel') {
    rows.push(['link', link === undefined ? 'none: no connector is connected' : `${link.id} (${link.streams} open)`]);
    if (link !== undefined) {
      rows.push(['connector', `${link.connectorId} from ${link.remoteAddress}`]);
      rows.push(['round trip', link.roundTrip === undefined ? 'not measured yet' : `${link.roundTrip.toFixed(1)} ms`]);
    }
  }
  return toLines([['worker', worker], ...rows]);
}
