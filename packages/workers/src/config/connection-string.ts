// PostgreSQL connection strings, as libpq and the drivers read them: `postgres://user:password@host:port/database?…`.
//
// A problem is told without the string, which holds a password.
import type { DatabaseLocation } from '../project.ts';
import { readParameters } from './connection-parameters.ts';

export type ConnectionString = DatabaseLocation | ConnectionProblem;

export interface ConnectionProblem {
  problem: string;
  /** What to do, where the form of the whole is not what is wrong. */
  remedy?: string | undefined;
}

const defaultPort = 5432;
/** Parts of the string that must be there; what is missing is named in the words of a user. */
function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** Reads a connection string. A parameter that would be lost is a problem: without it TLS could be gone unnoticed. */
export function parseConnectionString(text: string): ConnectionString {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined) return { problem: 'it is not a URL' };
  if (scheme === 'mysql') return { problem: 'MySQL is not supported yet, only PostgreSQL' };
  if (scheme !== 'postgres' && scheme !== 'postgresql') {
    return { problem: `the scheme is ${scheme}:, not postgres: or postgresql:` };
  }
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return { problem: 'it cannot be read; a character in the user or password may need percent-encoding' };
  }
  const [user, password, database] = [url.username, url.password, url.pathname.slice(1)].map(decode);
  if (user === undefined || password === undefined || database === undefined) {
    return { problem: 'it holds a % that is no percent-encoding; a literal one is %25' };
  }
  const host = url.hostname;
  if (host === '') return { problem: 'it names no host' };
  if (user === '') return { problem: 'it names no user' };
  if (database === '') return { problem: 'it names no database' };
  const port = url.port === '' ? defaultPort : Number(url.port);
  const parameters = readParameters(url.searchParams);
  return 'problem' in parameters ? parameters : { host, port, user, password, database, ...parameters };
}
