// `sallyport cert list`, `get` and `delete`.
import type { CertificateInfo } from '@sallyport/control/client';
import { type Command, toText, UsageError } from '../../command.ts';
import { findCertificate } from '../hyperdrive/lookup.ts';
import { createClient, edgeOptions, outputOptions, trying } from '../tunnel/control-command.ts';
import { checkFormat, print, toSeconds, toTable } from '../tunnel/print.ts';

export const listCertificates: Command = {
  name: 'cert list',
  summary: 'List uploaded certificates.',
  positionals: [],
  options: { ...outputOptions, ...edgeOptions },
  examples: [['sallyport cert list', 'authorities and client certificates']],
  async run(values) {
    checkFormat(values);
    const client = createClient(values);
    const certificates = await client.list<CertificateInfo>(client.account('mtls_certificates'));
    print(values, certificates, () => {
      if (certificates.length === 0) return 'There are no certificates. "sallyport cert upload" makes one.\n';
      const rows = certificates.map(({ id, name, ca, issuer, uploaded_on, expires_on }) => {
        return [id, name, ca ? 'authority' : 'client', issuer, toSeconds(uploaded_on), toSeconds(expires_on)];
      });
      return toTable(['ID', 'NAME', 'KIND', 'ISSUER', 'UPLOADED', 'EXPIRES'], rows);
    });
    return 0;
  },
};

export const getCertificate: Command = {
  name: 'cert get',
  summary: 'Print an uploaded certificate; its private key is never shown.',
  positionals: ['CERTIFICATE'],
  options: { ...outputOptions, ...edgeOptions },
  examples: [['sallyport cert get company', 'by name or by ID']],
  async run(values, [nameOrId = '']) {
    checkFormat(values);
    const found = await findCertificate(createClient(values), nameOrId);
    print(values, found, () => `${JSON.stringify(found, null, 2)}\n`);
    return 0;
  },
};

export const deleteCertificate: Command = {
  name: 'cert delete',
  summary: 'Delete an uploaded certificate that nothing uses.',
  positionals: ['[CERTIFICATE]'],
  options: {
    id: { value: 'ID', help: 'The certificate, by its ID' },
    name: { value: 'NAME', help: 'The certificate, by its name' },
    ...edgeOptions,
  },
  examples: [['sallyport cert delete company', 'refused while a configuration names it']],
  async run(values, [nameOrId]) {
    const given = [nameOrId, toText(values, 'id'), toText(values, 'name')].filter((each) => each !== undefined);
    if (given.length !== 1) throw new UsageError('Name one certificate, by its ID or by its name');
    const client = createClient(values);
    const { id, name } = await findCertificate(client, given[0]!);
    await trying('Could not delete the certificate', () =>
      client.call('DELETE', client.account(`mtls_certificates/${id}`)),
    );
    process.stdout.write(`Deleted certificate ${id}${name === '' ? '' : ` (${name})`} successfully\n`);
    return 0;
  },
};
