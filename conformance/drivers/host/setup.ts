// The hosts of a run: `bare` knows nothing of our authority, so a driver has to; `trusting` has it in `sallyport.toml`, so a
// driver needs to know nothing; `identified` has a client certificate as well.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FindTrust } from '@sallyport/sockets';
import type { Mode } from '../driver.ts';
import type { Lab } from './lab.ts';

export const setups = ['bare', 'trusting', 'identified'] as const;
export type Setup = (typeof setups)[number];

const setupByMode: Readonly<Record<Mode, Setup>> = {
  plain: 'bare',
  ca: 'bare',
  'driver-certificate': 'bare',
  tls: 'trusting',
  starttls: 'trusting',
  'host-certificate': 'identified',
};

export function toSetup(mode: Mode): Setup {
  return setupByMode[mode];
}

/** Trust of `createConnect()` on Node. */
export function toFindTrust(setup: Setup, { ca, client }: Lab): FindTrust {
  return () => (setup === 'bare' ? undefined : { ca, ...(setup === 'identified' && client) });
}

/** Trust of the project in `folder`. */
export async function writeTrust(setup: Setup, { ca, client }: Lab, folder: string): Promise<void> {
  if (setup === 'bare') return;
  const files = { 'ca.pem': ca, 'client.pem': client.cert, 'client.key': client.key };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text, { mode: 0o600 });
  const identity = setup === 'identified' ? 'cert = "client.pem"\nkey = "client.key"\n' : '';
  await writeFile(join(folder, 'sallyport.toml'), `[[trust]]\nca = "ca.pem"\n${identity}`);
}
