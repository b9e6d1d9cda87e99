// A local connection string as a database: in development it makes a pool and a cache of its own, like any other.
import { readFile } from 'node:fs/promises';
import { rootCertificates } from 'node:tls';
import type { DatabaseLocation } from '@sallyport/workers';
import { EdgeError } from '../errors.ts';
import { type Database, defaultCaching } from './database.ts';

async function read(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined;
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new EdgeError('hyperdrive_file', (error as Error).message, { cause: error });
  }
}

/** @throws EdgeError `hyperdrive_file` */
export async function toLocalDatabase(
  { id, name }: { id: string; name: string },
  location: DatabaseLocation,
): Promise<Database> {
  const { host, port, user, password, database, sslmode, sslrootcert, sslcert, sslkey, channelBinding } = location;
  const authorities = sslrootcert === 'system' ? rootCertificates.join('\n') : read(sslrootcert);
  const [ca, cert, key] = await Promise.all([authorities, read(sslcert), read(sslkey)]);
  // libpq's default is `prefer`, and so is everybody's expectation of a database on their own machine; `system` asks for
  // a certificate that the system's authorities vouch for.
  const mode = sslmode ?? (sslrootcert === 'system' ? 'verify-full' : 'prefer');
  return {
    id,
    name,
    host,
    port,
    user,
    password,
    database,
    tls: { mode, ca, cert, key, channelBinding },
    caching: defaultCaching,
  };
}
