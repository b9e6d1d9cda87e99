// What the commands that talk to an edge have in common: how it is found, and how a failure is told.
import { ControlClient, findEdge } from '@sallyport/control/client';
import { CommandError } from '../../command-error.ts';
import { toText, type Option, type Values } from '../../command.ts';

/** Options of every command that talks to an edge. */
export const edgeOptions: Record<string, Option> = {
  state: { value: 'DIR', help: 'State directory of the edge (default: $SALLYPORT_STATE, or the nearest edge)' },
  'api-url': { value: 'URL', help: 'Control API of the edge (default: $SALLYPORT_API_URL, or the nearest edge)' },
  'api-token-file': { value: 'FILE', help: 'File with the token for --api-url (default: $SALLYPORT_API_TOKEN_FILE)' },
};

/** Options of commands that print something to read. */
export const outputOptions: Record<string, Option> = {
  output: { short: 'o', value: 'FORMAT', help: 'Print json or yaml instead of a table' },
  json: { help: 'The same as -o json' },
};

/** @throws ClientError when no edge is found */
export function createClient(values: Values): ControlClient {
  return new ControlClient(
    findEdge({
      state: toText(values, 'state'),
      apiUrl: toText(values, 'api-url'),
      apiTokenFile: toText(values, 'api-token-file'),
    }),
  );
}

/** An edge's refusal with what was being tried in front, as in `failed to create tunnel: …`. */
export async function trying<Result>(what: string, body: () => Promise<Result>): Promise<Result> {
  try {
    return await body();
  } catch (error) {
    const { message, remedy } = error as CommandError;
    // Without an edge nothing was tried, and without a remedy it is a fault of ours.
    if (remedy === undefined || message.startsWith('No edge found')) throw error;
    throw new CommandError(`${what}: ${message}`, remedy, { cause: error });
  }
}
