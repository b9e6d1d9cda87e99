// An edge's control side for commands to talk to: a real store and API, and links that tests put there.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import {
  type ConnectorConnection,
  type Control,
  type HyperdriveHooks,
  startControl,
  startControlApi,
  startKeyRing,
  startSqliteStore,
} from '@sallyport/control';
import { testAuthority } from '@sallyport/testkit';
import { encodeToken } from '@sallyport/tunnel';
import { temporaryFolder } from '../../../edge/test/support/dev-bench.ts';
import { type Outcome, run } from './run.ts';

export interface ControlBench {
  control: Control;
  /** HOME of the commands, and their working folder. */
  home: string;
  connections: Map<string, ConnectorConnection[]>;
  /** Runs `sallyport …` in its home. */
  sallyport: (args: readonly string[], settings?: { env?: Record<string, string>; input?: string }) => Promise<Outcome>;
  /** Runs `sallyport tunnel …` against the edge. */
  tunnel: (...args: string[]) => Promise<Outcome>;
  /** The same with other variables. */
  tunnelWith: (env: Record<string, string>, ...args: string[]) => Promise<Outcome>;
}

export async function createControlBench(
  t: TestContext,
  { hyperdrive = {} }: { hyperdrive?: HyperdriveHooks } = {},
): Promise<ControlBench> {
  const home = await temporaryFolder(t);
  const state = join(home, '.sallyport');
  await mkdir(state, { mode: 0o700 });
  const store = startSqliteStore({ file: join(state, 'control.db') });
  const control = await startControl({
    store,
    keys: startKeyRing({ file: join(state, 'key') }),
    accountTag: 'acc',
    date: () => new Date('2026-01-02T03:04:05.678Z'),
  });
  const connections = new Map<string, ConnectorConnection[]>();
  const { ca } = await testAuthority();
  const token = 'a-token-for-these-tests';
  const api = await startControlApi({
    control,
    token,
    hyperdrive,
    links: {
      connections: (id) => connections.get(id) ?? [],
      disconnect: (id, connectorId) => {
        const left = (connections.get(id) ?? []).filter(
          (each) => each.connectorId !== (connectorId ?? each.connectorId),
        );
        connections.set(id, left);
      },
    },
    tokenOf: ({ id, name }, secret) =>
      encodeToken({ accountTag: 'acc', tunnelId: id, tunnelName: name, secret, ca, edges: ['127.0.0.1:7844'] }),
  });
  t.after(async () => {
    await api.close();
    await control.close();
    await store.close();
  });
  await writeFile(join(state, 'control.json'), JSON.stringify({ url: api.url, token, account: 'acc' }), {
    mode: 0o600,
  });
  const sallyport: ControlBench['sallyport'] = (args, { env, ...settings } = {}) =>
    run(args, { cwd: home, env: { HOME: home, ...env }, ...settings });
  const tunnelWith: ControlBench['tunnelWith'] = (env, ...args) => sallyport(['tunnel', ...args], { env });
  return { control, home, connections, sallyport, tunnelWith, tunnel: (...args) => tunnelWith({}, ...args) };
}

/** A link as an edge would report it. */
export function connection(fields: Partial<ConnectorConnection> = {}): ConnectorConnection {
  return {
    id: '00000000-0000-4000-8000-000000000000',
    connectorId: '11111111-1111-4111-8111-111111111111',
    client: { version: '0.1.0', arch: 'linux_x64' },
    remoteAddress: '192.0.2.1',
    openedAt: new Date('2026-01-01T00:00:00Z'),
    ...fields,
  };
}
