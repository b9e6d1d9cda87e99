// Ports for the programs of a page, which names them in files and commands before anybody listens there.
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below those that systems give out by themselves, so that none is taken between the look and the use. */
const own = { from: 20_000, to: 32_000 };

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    await once(server.listen(port, '127.0.0.1'), 'listening');
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}

/** For each port in the page another one on which nobody listens. */
export async function replacePorts(...ports: number[]): Promise<Record<string, string>> {
  const found = new Map<number, string>();
  while (found.size < ports.length) {
    const port = randomInt(own.from, own.to);
    if (![...found.values()].includes(String(port)) && (await isFree(port)))
      found.set(ports[found.size]!, String(port));
  }
  return Object.fromEntries(found);
}
