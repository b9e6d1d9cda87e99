// What a user calls a Hyperdrive configuration or a certificate, by name or by id.
import type { CertificateInfo, ControlClient, HyperdriveInfo, PoolStatusInfo } from '@sallyport/control/client';
import { CommandError } from '../../command-error.ts';
import { isId } from '../tunnel/lookup.ts';

export async function findConfig(client: ControlClient, nameOrId: string): Promise<HyperdriveInfo> {
  const found = await lookUp(client, nameOrId);
  if (found !== undefined) return found;
  throw new CommandError(
    `${nameOrId} is neither the ID nor the name of a Hyperdrive configuration`,
    'See "sallyport hyperdrive list" for those there are.',
  );
}

async function lookUp(client: ControlClient, nameOrId: string): Promise<HyperdriveInfo | undefined> {
  const configs = await client.list<HyperdriveInfo>(client.account('hyperdrive/configs'));
  return configs.find(({ id }) => id === nameOrId.toLowerCase()) ?? configs.find(({ name }) => name === nameOrId);
}

/** A configuration, or a pool that runs without one: in development a local connection string makes such. */
export async function findPool(client: ControlClient, nameOrId: string): Promise<{ id: string; name: string }> {
  const config = await lookUp(client, nameOrId);
  if (config !== undefined) return config;
  const pools = await client.call<PoolStatusInfo[]>('GET', client.account('hyperdrive/status'));
  const found = pools.find(({ id }) => id === nameOrId) ?? pools.find(({ name }) => name === nameOrId);
  if (found !== undefined) return found;
  throw new CommandError(
    `${nameOrId} is neither a Hyperdrive configuration nor a pool that runs`,
    'See "sallyport hyperdrive list" and "sallyport hyperdrive status" for those there are, by ID and by name.',
  );
}

/** Where a pool is asked; the id of one without a configuration may hold any letter. */
export function toPoolPath(client: ControlClient, id: string, what: string): string {
  return client.account(`hyperdrive/configs/${encodeURIComponent(id)}/${what}`);
}

export async function findCertificate(client: ControlClient, nameOrId: string): Promise<CertificateInfo> {
  const filter = isId(nameOrId) ? {} : { name: nameOrId };
  const certificates = await client.list<CertificateInfo>(client.account('mtls_certificates'), filter);
  const found = certificates.filter(({ id, name }) => id === nameOrId.toLowerCase() || name === nameOrId);
  if (found.length === 1) return found[0]!;
  throw new CommandError(
    found.length === 0
      ? `certificate not found with name or ID "${nameOrId}"`
      : `multiple certificates found with name "${nameOrId}"`,
    found.length === 0 ? 'See "sallyport cert list" for those there are.' : 'Say which one by its ID.',
  );
}
