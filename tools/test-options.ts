// The command line of `npm test`.
import { parseArgs } from 'node:util';
import { isServerName, serverNames } from '../packages/testkit/src/servers/available.ts';
import type { ServerName } from '../packages/testkit/src/servers/available.ts';

export interface TestOptions {
  /** Test files are those whose path contains one of these; empty means all. */
  patterns: string[];
  without: ServerName[];
  /** Further Node versions to run the suite on. */
  node: string[];
  help: boolean;
}

export const help = `npm test: everything, against real servers

  npm test                                 check, build, and the whole suite
  npm test -- packages/egress              the test files whose path contains this (no check, no installing)
  npm test -- policy.test.ts dial          several of them
  npm test -- --without redis,mosquitto    leave servers out; what needs them is skipped, and the end says so
  npm test -- --node 22,24                 the suite on this Node, then on these (fetched from npm into .cache/node)
  npm test -- --help                       this text

Servers: ${serverNames.join(', ')}. Each test starts its own, on a free port and in a temporary directory.
Run as root on Debian or Ubuntu, missing ones are installed with apt-get, and none is started as a service.`;

function list(values: string[] | undefined): string[] {
  return (values ?? []).flatMap((value) => value.split(',')).filter((value) => value !== '');
}

/** Throws an Error whose message is fit to print when the command line makes no sense. */
export function parseTestOptions(parameters: string[]): TestOptions {
  const { values, positionals } = parseArgs({
    args: parameters,
    allowPositionals: true,
    options: {
      without: { type: 'string', multiple: true },
      node: { type: 'string', multiple: true },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const without: ServerName[] = [];
  for (const name of list(values.without)) {
    if (!isServerName(name)) throw new Error(`--without ${name}: the servers are ${serverNames.join(', ')}`);
    without.push(name);
  }
  return { patterns: positionals, without, node: list(values.node), help: values.help };
}
