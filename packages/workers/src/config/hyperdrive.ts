// Hyperdrive bindings: pooled databases, and the ones that stand in for them in development.
//
// A variable of the process (or of the files secrets come from) wins over what the configuration says, because a
// connection string with a password has no place in a file that is committed.
import { resolve } from 'node:path';
import type { DatabaseLocation, HyperdriveBinding } from '../project.ts';
import { parseConnectionString } from './connection-string.ts';
import { memberKeys } from './keys.table.ts';
import { requireMember } from './modules.ts';
import { checkPem } from './pem-file.ts';
import { formatPath, type Path } from './position.ts';
import type { Report } from './report.ts';
import { memberSlot, readArray, readBoolean, readString, readTable, readText, type Slot, warnUnknown } from './slot.ts';
import { suggest } from './suggest.ts';

/** What a variable is called that holds a local connection string; the second is wrangler's older name. */
export const localStringPrefixes: readonly string[] = [
  'CLOUDFLARE_HYPERDRIVE_LOCAL_CONNECTION_STRING_',
  'WRANGLER_HYPERDRIVE_LOCAL_CONNECTION_STRING_',
];

/** A binding with the place it is written at. */
export interface PlacedHyperdrive extends HyperdriveBinding {
  slot: Slot;
}

export interface HyperdriveOptions {
  /** The folder of the configuration: paths in a connection string start there. */
  root: string;
  /** Where variables are looked for, the first that has one wins. */
  sources: readonly Readonly<Record<string, unknown>>[];
  /** Whether databases are reached by what the strings say: then the files that they name have to be there. */
  usesLocal: boolean;
}

export function readHyperdrive(slot: Slot | undefined, options: HyperdriveOptions, report: Report): PlacedHyperdrive[] {
  const bindings = readArray(slot, report).flatMap((element) => {
    if (readTable(element, report) === undefined) return [];
    warnUnknown(element, memberKeys.hyperdrive, report);
    // Every binding is local here, whatever it says.
    readBoolean(memberSlot(element, 'remote'), report);
    const binding = readText(requireMember(element, 'binding', report), report);
    const written = memberSlot(element, 'localConnectionString');
    const text = readString(written, report);
    if (binding === undefined) return [];
    const variable = findVariable(binding, options);
    const id = readString(
      variable === undefined && !text ? requireMember(element, 'id', report) : memberSlot(element, 'id'),
      report,
    );
    const local =
      variable === undefined
        ? readLocal(text, written?.path ?? element.path, formatPath([...element.path, 'localConnectionString']))
        : readLocal(variable.text, element.path, variable.name);
    return [{ binding, id: id ?? '', local, slot: element }];
  });
  if (options.usesLocal) warnUnused(bindings, options.sources, report);
  return bindings;

  function readLocal(text: string | undefined, path: Path, key: string): DatabaseLocation | undefined {
    if (text === undefined || text === '') return undefined;
    const parsed = parseConnectionString(text);
    if ('problem' in parsed) {
      report.error(path, 'invalid_connection_string', { key, ...parsed });
      return undefined;
    }
    const { sslrootcert, sslcert, sslkey } = parsed;
    const authorities = sslrootcert === 'system' ? sslrootcert : at(options.root, sslrootcert);
    const files = { sslrootcert: authorities, sslcert: at(options.root, sslcert), sslkey: at(options.root, sslkey) };
    for (const [parameter, file] of Object.entries(options.usesLocal ? files : {})) {
      const wrong = file === undefined || file === 'system' ? undefined : checkPem(file, parameter === 'sslkey');
      if (wrong === undefined) continue;
      report.error(path, 'database_file', { key: `${key}: ${parameter}`, ...wrong });
      if (wrong.isMissing) report.missing.push(file!);
    }
    return { ...parsed, ...files };
  }
}

const at = (root: string, file: string | undefined): string | undefined =>
  file === undefined ? undefined : resolve(root, file);

/** A variable whose binding is not there is a slip that would show as another database, or none. */
function warnUnused(
  bindings: readonly HyperdriveBinding[],
  sources: HyperdriveOptions['sources'],
  report: Report,
): void {
  const names = bindings.map(({ binding }) => binding);
  for (const variable of new Set(sources.flatMap((source) => Object.keys(source)))) {
    const prefix = localStringPrefixes.find((each) => variable.startsWith(each));
    if (prefix === undefined) continue;
    const name = variable.slice(prefix.length);
    if (names.includes(name)) continue;
    const meant = suggest(name, names);
    report.warning([], 'unused_connection_string', { variable, meant: meant && `${prefix}${meant}` });
  }
}

function findVariable(binding: string, { sources }: HyperdriveOptions): { name: string; text: string } | undefined {
  for (const prefix of localStringPrefixes) {
    const name = `${prefix}${binding}`;
    for (const source of sources) {
      const text = source[name];
      if (typeof text === 'string' && text !== '') return { name, text };
    }
  }
  return undefined;
}
