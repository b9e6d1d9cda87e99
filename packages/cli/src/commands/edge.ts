// `sallyport edge`: one server from one configuration file. What it needs is loaded when it is called.
import type { Command } from '../command.ts';

export const edge: Command = {
  name: 'edge',
  summary: 'Run an edge on this server: Workers, tunnels into private networks, and the HTTP listener.',
  positionals: [],
  options: {
    config: { value: 'FILE', short: 'c', help: 'Configuration file (default: sallyport.toml)' },
    'grace-period': {
      value: 'SECONDS',
      help: 'How long running requests and connections get to finish when the edge is stopped (default: 30)',
    },
    'no-watch': { help: "Do not reload Workers when their projects' files change" },
    json: { help: 'Print one JSON object a line' },
  },
  examples: [
    ['sallyport edge', 'run what sallyport.toml in this folder says'],
    ['sallyport edge -c /etc/sallyport/sallyport.toml --json', 'as a service, with a log for machines'],
  ],
  async run(values) {
    const { runEdge } = await import('../run/edge.ts');
    return runEdge(values);
  },
};
