// What makes a file or folder with secrets in it safe to use: it belongs to this user, or to root, and nobody else may
// open it. Anything else came with somebody's project, from an archive or Git, or more people know it than should.
import { geteuid } from 'node:process';

/** What of `stat` is looked at. */
export interface Ownership {
  uid: number;
  mode: number;
}

/** Why it is not private, in words that begin with its path; undefined when it is. Systems without owners say nothing. */
export function privacyProblem(path: string, { uid, mode }: Ownership): string | undefined {
  return ownerProblem(path, uid) ?? modeProblem(path, mode);
}

/** Who owns a file may open it again, whatever its mode is now, and who owns a folder may exchange what is in it. */
export function ownerProblem(path: string, uid: number): string | undefined {
  const user = geteuid?.();
  if (user === undefined || uid === user || uid === 0) return undefined;
  return `${path} belongs to another user (uid ${uid}, we are ${user})`;
}

function modeProblem(path: string, mode: number): string | undefined {
  if (geteuid === undefined || (mode & 0o077) === 0) return undefined;
  return `others may read ${path} (mode ${(mode & 0o777).toString(8)}, not 600)`;
}
