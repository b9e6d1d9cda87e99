// Authorities and client certificates in files: what may be in them, and who may read a key.
import { statSync } from 'node:fs';
import { checkPrivateKey, ControlError, parseCertificates } from '@sallyport/control';
import { type MaterialEvents, WatchedMaterial } from './watched-material.ts';

export interface Authorities {
  /** PEM. */
  readonly ca: string;
}

export interface Identity {
  /** PEM: the certificate, and what leads from it to an authority. */
  readonly cert: string;
  readonly key: string;
}

const keyBlocks = /-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*-----END [A-Z ]*PRIVATE KEY-----/g;

export function watchAuthorities(file: string, events: MaterialEvents): WatchedMaterial<Authorities> {
  return new WatchedMaterial(
    [file],
    ([text = '']) => named(file, '"key"', () => ({ ca: parseCertificates(text).facts.certificates })),
    events,
  );
}

/** The key may be in the certificate's own file. */
export function watchIdentity(cert: string, key: string, events: MaterialEvents): WatchedMaterial<Identity> {
  return new WatchedMaterial(
    [cert, key],
    ([certText = '', keyText = '']) =>
      named(cert, key, () => {
        const { facts, first } = parseCertificates(key === cert ? certText.replaceAll(keyBlocks, '') : certText);
        if (!keyText.includes('PRIVATE KEY-----')) {
          const elsewhere = key === cert ? ': name the file that does, with key = "FILE"' : '';
          throw new Error(`${key} holds no private key in PEM${elsewhere}`);
        }
        refuseShared(key);
        return { cert: facts.certificates, key: checkPrivateKey(keyText, first) };
      }),
    events,
  );
}

/** A key that everybody on the machine can read is everybody's. */
function refuseShared(file: string): void {
  const mode = statSync(file).mode & 0o777;
  if ((mode & 0o007) === 0) return;
  throw new Error(`everybody may use ${file} (mode ${mode.toString(8)}): chmod 600 ${file}`);
}

/** The same check as for what is uploaded, which speaks of its fields. */
function named<Value>(cert: string, key: string, read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ControlError)) throw error;
    const text = error.message.replace(/^This cannot be accepted: /, '');
    throw new Error(text.replaceAll('"certificates"', cert).replaceAll('"private_key"', key), { cause: error });
  }
}
