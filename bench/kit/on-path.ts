// Whether a program is installed, without running it.
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Its path; undefined when there is none. */
export function findOnPath(name: string): string | undefined {
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}
