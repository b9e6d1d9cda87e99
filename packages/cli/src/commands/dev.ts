// `sallyport dev`: runs the Worker project of the current folder. What it needs is loaded when it is called.
import type { Command } from '../command.ts';

export const dev: Command = {
  name: 'dev',
  summary: 'Run a Worker project on this machine, with the limits and policy of production.',
  positionals: [],
  options: {
    config: {
      value: 'FILE',
      short: 'c',
      help: 'Configuration file (default: the nearest wrangler.json, .jsonc or .toml)',
    },
    env: { value: 'NAME', short: 'e', help: 'Environment of the configuration (default: $CLOUDFLARE_ENV)' },
    port: { value: 'PORT', short: 'p', help: 'Port to listen on; 0 picks a free one (default: dev.port or 8787)' },
    ip: { value: 'ADDRESS', help: 'Address to listen on (default: dev.ip or localhost)' },
    var: { value: 'NAME:VALUE', multiple: true, help: 'A variable, over the configuration' },
    strict: { help: 'Forbid loopback and private addresses, as in production' },
    ca: {
      value: 'FILE',
      multiple: true,
      help: 'Trust the authorities in this PEM file too; for a database use sslrootcert or "cert upload"',
    },
    edge: {
      value: 'URL|DIR',
      help: "Use the tunnels, databases and private services of a running edge, by the URL of its control API or by its state directory, instead of this server's own",
    },
    'edge-token-file': {
      value: 'FILE',
      help: 'File with the token for --edge URL (default: $SALLYPORT_API_TOKEN_FILE, or the token itself in $SALLYPORT_API_TOKEN)',
    },
    'tunnel-port': {
      value: 'PORT',
      help: "Port where connectors dial this server's own tunnels (default: as last time)",
    },
    'inspector-port': { value: 'PORT', help: 'Open the JavaScript inspector on this port' },
    'persist-to': { value: 'FOLDER', help: 'Durable Object storage (default: .sallyport/state)' },
    'no-watch': { help: 'Do not reload when files change' },
    json: { help: 'Print one JSON object a line' },
  },
  examples: [
    ['sallyport dev', 'run the project in this folder'],
    ['sallyport dev --env staging -p 3000', 'its staging environment, on port 3000'],
    ['sallyport dev --strict', 'only public addresses can be reached'],
    ["curl 'localhost:8787/cdn-cgi/handler/scheduled?cron=*+*+*+*+*'", 'fire scheduled() by hand'],
  ],
  async run(values) {
    const { runDev } = await import('../run/dev.ts');
    return runDev(values);
  },
};
