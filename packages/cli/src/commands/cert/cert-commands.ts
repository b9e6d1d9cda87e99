// The commands about certificates, in the order the help lists them.
import type { Command } from '../../command.ts';
import { deleteCertificate, getCertificate, listCertificates } from './manage.ts';
import { replaceCertificate, uploadAuthority, uploadClient } from './upload.ts';

export const certCommands: readonly Command[] = [
  uploadAuthority,
  uploadClient,
  replaceCertificate,
  listCertificates,
  getCertificate,
  deleteCertificate,
];
