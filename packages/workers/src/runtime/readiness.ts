// workerd's control messages: one JSON line for each socket it listens on.
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

interface ListenMessage {
  event: string;
  socket?: string;
  port?: number;
}

export interface Readiness {
  inspectorPort: number | undefined;
}

/** Resolves when every expected socket listens; never when the stream ends before. */
export function waitUntilListening(
  control: Readable,
  { sockets, inspector }: { sockets: readonly string[]; inspector: boolean },
): Promise<Readiness> {
  const missing = new Set([...sockets, ...(inspector ? ['inspector'] : [])]);
  let inspectorPort: number | undefined;
  return new Promise((resolve) => {
    createInterface({ input: control }).on('line', (line) => {
      const message = JSON.parse(line) as ListenMessage;
      if (message.event === 'listen-inspector') inspectorPort = message.port;
      missing.delete(message.event === 'listen-inspector' ? 'inspector' : (message.socket ?? ''));
      if (missing.size === 0) resolve({ inspectorPort });
    });
  });
}
