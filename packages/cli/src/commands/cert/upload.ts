// `sallyport cert upload certificate-authority` and `mtls-certificate`.
import { readFile } from 'node:fs/promises';
import type { CertificateInfo } from '@sallyport/control/client';
import { CommandError } from '../../command-error.ts';
import { type Command, type Option, toText, UsageError, type Values } from '../../command.ts';
import { findCertificate } from '../hyperdrive/lookup.ts';
import { createClient, edgeOptions, outputOptions, trying } from '../tunnel/control-command.ts';
import { checkFormat, print } from '../tunnel/print.ts';

const nameOption: Record<string, Option> = { name: { value: 'NAME', help: 'What to call it' } };

export const uploadAuthority: Command = {
  name: 'cert upload certificate-authority',
  summary: 'Upload an authority, or several in one file, that databases and services are checked against.',
  positionals: [],
  options: { 'ca-cert': { value: 'FILE', help: 'PEM file' }, ...nameOption, ...outputOptions, ...edgeOptions },
  examples: [['sallyport cert upload certificate-authority --ca-cert root.pem --name company', 'prints its ID']],
  async run(values) {
    return upload(values, 'CA certificate', { ca: true, certificates: await readPem(values, 'ca-cert') });
  },
};

export const uploadClient: Command = {
  name: 'cert upload mtls-certificate',
  summary: 'Upload a client certificate and its key, to show to databases and services that ask for one.',
  positionals: [],
  options: {
    cert: { value: 'FILE', help: 'PEM file: the certificate, and what leads from it to an authority' },
    key: { value: 'FILE', help: 'PEM file: its private key, in the clear; it is stored encrypted' },
    ...nameOption,
    ...outputOptions,
    ...edgeOptions,
  },
  examples: [['sallyport cert upload mtls-certificate --cert client.pem --key client.key', 'prints its ID']],
  async run(values) {
    const certificates = await readPem(values, 'cert');
    return upload(values, 'mTLS certificate', { ca: false, certificates, private_key: await readPem(values, 'key') });
  },
};

export const replaceCertificate: Command = {
  name: 'cert replace',
  summary:
    'Put a renewed certificate in place of one, under its ID: new connections of everything that uses it show it.',
  positionals: ['CERTIFICATE'],
  options: {
    'ca-cert': { value: 'FILE', help: 'PEM file, for an authority' },
    cert: { value: 'FILE', help: 'PEM file, for a client certificate' },
    key: { value: 'FILE', help: 'PEM file: its private key, in the clear; it is stored encrypted' },
    ...outputOptions,
    ...edgeOptions,
  },
  examples: [['sallyport cert replace company --ca-cert root.pem', 'by name or by ID']],
  async run(values, [nameOrId = '']) {
    checkFormat(values);
    const { id, ca, name } = await findCertificate(createClient(values), nameOrId);
    const body = ca
      ? { certificates: await readPem(values, 'ca-cert') }
      : { certificates: await readPem(values, 'cert'), private_key: await readPem(values, 'key') };
    return send(values, ca ? 'CA certificate' : 'mTLS certificate', { method: 'PUT', path: `/${id}`, name, body });
  },
};

function upload(values: Values, noun: string, body: object): Promise<number> {
  checkFormat(values);
  const name = toText(values, 'name');
  return send(values, noun, { method: 'POST', path: '', name, body: { name, ...body } });
}

async function send(
  values: Values,
  noun: string,
  { method, path, name, body }: { method: string; path: string; name: string | undefined; body: object },
): Promise<number> {
  const client = createClient(values);
  const file = values['ca-cert'] === undefined ? '--cert' : '--ca-cert';
  const call = (): Promise<CertificateInfo> =>
    client.call(method, client.account(`mtls_certificates${path}`), { body });
  const certificate = await trying(`Could not upload the ${noun}`, call).catch((error: Error) => {
    // The API speaks of its fields.
    error.message = error.message.replaceAll('"certificates"', file).replaceAll('"private_key"', '--key');
    throw error;
  });
  print(values, certificate, () => {
    const { id, issuer, expires_on } = certificate;
    const called = name === undefined || name === '' ? '' : ` ${name}`;
    return `Success! ${method === 'PUT' ? 'Replaced' : 'Uploaded'} ${noun}${called}\nID: ${id}\nIssuer: ${issuer}\nExpires on ${expires_on.slice(0, 10)}\n`;
  });
  return 0;
}

/** @throws UsageError, CommandError */
async function readPem(values: Values, option: string): Promise<string> {
  const file = toText(values, option);
  if (file === undefined) throw new UsageError(`Missing option: --${option} FILE`);
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new CommandError(`--${option}: ${(error as Error).message}`, 'Name a PEM file that you may read.', {
      cause: error,
    });
  }
}
