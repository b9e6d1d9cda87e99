// A look into a PEM file that a configuration names, so that a wrong one is told with its place and not by a handshake.
import { X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';

/** Bundles of authorities have a few hundred kilobytes. */
const maxPemBytes = 16 * 1024 * 1024;

export interface PemProblem {
  problem: string;
  isMissing: boolean;
}

/** What is wrong with a file that should hold certificates, or a private key. */
export function checkPem(file: string, isKey: boolean): PemProblem | undefined {
  try {
    const stat = statSync(file);
    if (!stat.isFile() || stat.size > maxPemBytes) return { problem: `${file} is no PEM file`, isMissing: false };
    const text = readFileSync(file, 'utf8');
    if (isKey ? /-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text) : isCertificate(text)) return undefined;
    return { problem: `${file} holds no PEM ${isKey ? 'private key' : 'certificate'}`, isMissing: false };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const isMissing = code === 'ENOENT' || code === 'ENOTDIR';
    return { problem: isMissing ? `there is no file ${file}` : `${file} cannot be read: ${message}`, isMissing };
  }
}

function isCertificate(text: string): boolean {
  try {
    return new X509Certificate(text).raw.length > 0;
  } catch {
    return false;
  }
}
