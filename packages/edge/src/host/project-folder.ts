// `.sallyport` beside a project's configuration: what `sallyport dev` keeps from one run to the next.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TunnelService, type TunnelServiceOptions } from '../tunnels/tunnel-service.ts';

const portFile = 'tunnel.port';

/** The folder, told to git as nobody's to commit. A project that cannot be written to runs without. */
export function openProjectFolder(root: string): string {
  const folder = join(root, '.sallyport');
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, '.gitignore'), '*\n', { flag: 'wx' });
  } catch {
    // It is there already, or cannot be made; who needs it says so.
  }
  return folder;
}

/**
 * Tunnels of this machine's own, so that they work with no other edge. The port stays the same from run to run where it
 * can, because it is written in tokens. Undefined, and an event, when they cannot be had: a Worker runs without, too.
 */
export async function startOwnTunnels(
  folder: string,
  {
    port,
    ...asked
  }: { port?: number | undefined } & Omit<TunnelServiceOptions, 'stateDirectory' | 'listen' | 'control'>,
): Promise<TunnelService | undefined> {
  const start = (tunnelPort: number): Promise<TunnelService> =>
    TunnelService.start({
      stateDirectory: folder,
      listen: { host: '127.0.0.1', port: tunnelPort },
      control: { host: '127.0.0.1', port: 0 },
      ...asked,
    });
  try {
    const service = await start(port ?? readPort(folder)).catch((error: Error & { systemCode?: string }) => {
      if (port !== undefined || error.systemCode !== 'EADDRINUSE') throw error;
      return start(0);
    });
    writeFileSync(join(folder, portFile), `${service.port}\n`);
    return service;
  } catch (error) {
    asked.onEvent({ type: 'control-failed', error: error as Error });
    return undefined;
  }
}

/** The port of the last run; 0 when there is none. */
function readPort(folder: string): number {
  try {
    const port = Number(readFileSync(join(folder, portFile), 'utf8'));
    return Number.isInteger(port) && port > 0 && port < 65_536 ? port : 0;
  } catch {
    return 0;
  }
}
