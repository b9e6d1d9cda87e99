// Passwords outside SCRAM: md5 hashes them with a salt, cleartext sends them.
import { createHash, timingSafeEqual } from 'node:crypto';

const md5 = (...parts: (string | Uint8Array)[]): string => {
  const hash = createHash('md5');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
};

export interface Credentials {
  user: string;
  password: string;
}

/** The answer to AuthenticationMD5Password [pg 55.2.1]. */
export function toMd5Password({ user, password }: Credentials, salt: Uint8Array): string {
  return `md5${md5(md5(password, user), salt)}`;
}

/** Whether two secrets are the same, in a time that tells nothing about where they differ. */
export function isSameSecret(one: string, other: string): boolean {
  const [left, right] = [one, other].map((text) => createHash('sha256').update(text).digest());
  return timingSafeEqual(left!, right!);
}
