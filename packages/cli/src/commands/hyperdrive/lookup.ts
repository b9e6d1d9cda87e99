// What a user calls a Hyperdrive configuration or a certificate, by name or by id.
import type { CertificateInfo, ControlClient, HyperdriveInfo } from '@sallyport/control/client';
import { CommandError } from '../../command-error.ts';
import { isId } from '../tunnel/lookup.ts';

export async function findConfig(client: ControlClient, nameOrId: string): Promise<HyperdriveInfo> {
  const configs = await client.list<HyperdriveInfo>(client.account('hyperdrive/configs'));
  const found =
    configs.find(({ id }) => id === nameOrId.toLowerCase()) ?? configs.find(({ name }) => name === nameOrId);
  if (found !== undefined) return found;
  throw new CommandError(
    `${nameOrId} is neither the ID nor the name of a Hyperdrive configuration`,
    'See "sallyport hyperdrive list" for those there are.',
  );
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
