// A process that creates everything there may be only one of, against others that do the same. Prints what it won.
import { join } from 'node:path';
import { ControlError, startControl, startKeyRing, startSqliteStore } from '../../src/index.ts';

const [, , folder = '', rounds = '0'] = process.argv;
const store = startSqliteStore({ file: join(folder, 'control.db'), pollInterval: 5 });
const control = await startControl({ store, keys: startKeyRing({ file: join(folder, 'key') }) });

async function wins(create: () => Promise<unknown>): Promise<boolean> {
  try {
    await create();
    return true;
  } catch (error) {
    if (error instanceof ControlError && error.code === 'already_exists') return false;
    throw error;
  }
}

const origin = { host: 'db.internal', database: 'sales', user: 'app', password: 'secret' };
const own = await control.tunnels.create({ name: `own ${process.pid}` });
process.stdout.write('ready\n');
await new Promise((resolve) => process.stdin.once('data', resolve));
for (let round = 0; round < Number(rounds); round += 1) {
  const tunnel_id = own.id;
  const won = {
    tunnel: await wins(() => control.tunnels.create({ name: `tunnel ${round}` })),
    network: await wins(() => control.networks.create({ name: `network ${round}` })),
    ip: await wins(() => control.routes.ip.create({ network: `10.${round}.0.1/16`, tunnel_id })),
    hostname: await wins(() => control.routes.hostnames.create({ hostname: `h${round}.internal`, tunnel_id })),
    hyperdrive: await wins(() => control.hyperdrive.create({ name: `database ${round}`, origin })),
    public: await wins(() => control.routes.publicHostnames.create({ hostname: `h${round}.example.com`, tunnel_id })),
  };
  process.stdout.write(`${JSON.stringify(won)}\n`);
}
await control.close();
await store.close();
process.stdin.destroy();
