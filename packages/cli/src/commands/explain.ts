// `sallyport explain HOST:PORT`: what egress would say about a destination, and why.
import { createEgress, devPolicy, workerPolicy } from '@sallyport/egress';
import { type Command, UsageError } from '../command.ts';
import { decisionRows, toLines } from '../output/decision-text.ts';

/** Without an edge nothing is known of tunnels. */
const hint = 'Routes of tunnels are not looked at here: `sallyport explain connect` asks a running edge.\n';

export const explain: Command = {
  name: 'explain',
  summary: 'Say whether a Worker may connect to a destination, by which rule, and where it leads.',
  positionals: ['HOST:PORT'],
  options: {
    dev: { help: 'Judge by the policy of sallyport dev instead of production' },
    json: { help: 'Print the decision as JSON' },
  },
  examples: [
    ['sallyport explain db.example.com:5432', 'the decision for a name, with the addresses it has now'],
    ['sallyport explain 0x7f.1:6379 --json', 'what an unusual spelling means'],
    ['sallyport explain connect db.internal:5432', 'ask a running edge instead, which knows routes and tunnels'],
  ],
  async run(values, [target = '']) {
    const [, hostname, port] = /^(.+):(\d{1,5})$/.exec(target) ?? [];
    if (hostname === undefined) throw new UsageError(`Not a destination: ${target}. Write HOST:PORT.`);
    const egress = createEgress({ policy: values['dev'] === true ? devPolicy : workerPolicy });
    const decision = await egress.decide({ hostname, port: Number(port) });
    process.stdout.write(
      values['json'] === true ? `${JSON.stringify(decision, null, 2)}\n` : `${toLines(decisionRows(decision))}${hint}`,
    );
    return decision.verdict === 'allow' ? 0 : 1;
  },
};
