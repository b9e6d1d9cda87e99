// Encryption at rest: AES-256-GCM under a key that lives in a file of its own, so that the database alone opens nothing.
//
// The document's key is bound to the ciphertext as associated data, so a sealed value copied into another document does
// not open there. The key id tells a wrong key file from a damaged value.
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { ControlError } from './errors.ts';
import { privacyProblem } from './private-file.ts';

/** How a secret looks inside a document. */
export interface Sealed {
  readonly [key: string]: string;
  readonly sealed: 'aes-256-gcm';
  readonly key: string;
  readonly nonce: string;
  readonly data: string;
}

export interface KeyRing {
  /** First hexadecimal digits of the key's SHA-256. */
  readonly id: string;
  seal: (text: string, context: { documentKey: string; field: string }) => Sealed;
  /** Throws `secret_unreadable`. */
  open: (sealed: Sealed, context: { documentKey: string; field: string }) => string;
}

const keyLength = 32;
const tagLength = 16;

/** Reads the key file, or creates it with mode 0600 at first start. Throws `key_file_invalid`. */
export function startKeyRing(options: { file: string; random?: (size: number) => Buffer }): KeyRing {
  const { file, random = randomBytes } = options;
  let text = readKey(file);
  if (text === undefined) {
    createKey(file, random);
    text = readKey(file);
  }
  const key = Buffer.from(text?.trim() ?? '', 'base64');
  if (key.length !== keyLength)
    throw new ControlError('key_file_invalid', `${file} holds no key of ${keyLength} bytes`);
  return createKeyRing(key, random);
}

function createKeyRing(key: Buffer, random: (size: number) => Buffer): KeyRing {
  const id = createHash('sha256').update(key).digest('hex').slice(0, 16);
  return {
    id,
    seal(text, context) {
      const nonce = random(12);
      const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: tagLength }).setAAD(toContext(context));
      const data = Buffer.concat([cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
      return { sealed: 'aes-256-gcm', key: id, nonce: nonce.toString('base64'), data: data.toString('base64') };
    },
    open(sealed, context) {
      const where = `${context.field} of ${context.documentKey}`;
      if (sealed.key !== id) {
        throw new ControlError('secret_unreadable', `${where} was encrypted with key ${sealed.key}, this is ${id}`);
      }
      try {
        const data = Buffer.from(sealed.data, 'base64');
        const nonce = Buffer.from(sealed.nonce, 'base64');
        const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagLength });
        decipher.setAAD(toContext(context)).setAuthTag(data.subarray(-tagLength));
        return Buffer.concat([decipher.update(data.subarray(0, -tagLength)), decipher.final()]).toString('utf8');
      } catch (error) {
        throw new ControlError('secret_unreadable', `${where} is damaged or was moved there`, { cause: error });
      }
    },
  };
}

function toContext({ documentKey, field }: { documentKey: string; field: string }): Buffer {
  return Buffer.from(JSON.stringify([documentKey, field]));
}

function readKey(file: string): string | undefined {
  let descriptor: number | undefined;
  try {
    // What is looked at is what is read, and a pipe in its place keeps nobody waiting.
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
    const found = fstatSync(descriptor);
    const problem = found.isFile() ? privacyProblem(file, found) : `${file} is no file`;
    if (problem !== undefined) throw new ControlError('key_file_invalid', problem);
    return readFileSync(descriptor, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    if (error instanceof ControlError) throw error;
    throw new ControlError('key_file_invalid', `${file} could not be read`, { cause: error });
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** Whole or not at all, and never over a key that another process has just created. */
function createKey(file: string, random: (size: number) => Buffer): void {
  const draft = `${file}.${process.pid}.${random(6).toString('hex')}`;
  try {
    const descriptor = openSync(draft, 'wx', 0o600);
    try {
      writeSync(descriptor, `${random(keyLength).toString('base64')}\n`);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    linkSync(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
      throw new ControlError('key_file_invalid', `${file} could not be created`, { cause: error });
    }
  } finally {
    rmSync(draft, { force: true });
  }
}
