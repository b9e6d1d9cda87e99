// Which servers this machine has, where their programs are, and the command that installs the rest. A test says what it
// needs with `needs(t, 'redis')`; only a person's explicit `--without redis` makes it skip.
import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Every server the tests use: the programs that must be there, and the Debian packages that bring them. */
const servers = {
  postgres: { programs: ['postgres', 'initdb'], packages: ['postgresql'] },
  mariadb: { programs: ['mariadbd', 'mariadb-install-db'], packages: ['mariadb-server'] },
  redis: { programs: ['redis-server'], packages: ['redis-server'] },
  openssh: { programs: ['sshd', 'ssh-keygen'], packages: ['openssh-server', 'openssh-client'] },
  mosquitto: { programs: ['mosquitto'], packages: ['mosquitto'] },
  vsftpd: { programs: ['vsftpd'], packages: ['vsftpd'] },
  ngircd: { programs: ['ngircd'], packages: ['ngircd'] },
  gophernicus: { programs: ['gophernicus'], packages: ['gophernicus'] },
  nats: { programs: ['nats-server'], packages: ['nats-server'] },
  openldap: { programs: ['slapd'], packages: ['slapd'] },
} as const;

export type ServerName = keyof typeof servers;

export const serverNames = Object.keys(servers) as ServerName[];

/** Names of servers that a person left out, separated by commas: set by `npm test -- --without NAMES`. */
export const withoutVariable = 'SALLYPORT_TEST_WITHOUT';

/** A folder of server programs that comes before what is installed, to run tests on another release. */
export const programsVariable = 'SALLYPORT_TEST_PROGRAMS';

function programFolders(): string[] {
  const postgres = '/usr/lib/postgresql';
  const versions = existsSync(postgres) ? readdirSync(postgres).sort((a, b) => Number(b) - Number(a)) : [];
  const preferred = process.env[programsVariable];
  return [
    ...(preferred === undefined ? [] : [preferred]),
    ...(process.env['PATH'] ?? '').split(delimiter),
    ...versions.map((version) => join(postgres, version, 'bin')),
    '/usr/sbin',
    '/usr/local/sbin',
    '/opt/homebrew/bin',
    '/opt/homebrew/sbin',
  ];
}

function findProgram(program: string): string | undefined {
  return programFolders()
    .map((folder) => join(folder, program))
    .find((path) => existsSync(path));
}

/** The path of a program that a server consists of. */
export function serverProgram(name: ServerName, program: string): string {
  const path = findProgram(program);
  if (path === undefined) throw new Error(`${program} is not installed; ${installCommand(name)}`);
  return path;
}

export function isInstalled(name: ServerName): boolean {
  return servers[name].programs.every((program) => findProgram(program) !== undefined);
}

/** The Debian and Ubuntu packages that bring these servers. */
export function debianPackages(...names: ServerName[]): string[] {
  return names.flatMap((name) => servers[name].packages);
}

/** The command that installs these servers on this kind of machine. */
export function installCommand(...names: ServerName[]): string {
  if (process.platform === 'darwin') return `brew install ${names.join(' ').replace('postgres', 'postgresql')}`;
  return `sudo apt-get install --no-install-recommends ${debianPackages(...names).join(' ')}`;
}

export function isServerName(name: string): name is ServerName {
  return Object.hasOwn(servers, name);
}

/** The servers that a person left out of this run. */
export function leftOut(): ServerName[] {
  return (process.env[withoutVariable] ?? '').split(',').filter((name) => isServerName(name));
}

/** The part of node:test's context that `needs` uses. */
export interface Skippable {
  skip(reason?: string): void;
}

/**
 * True when the test can go on: `if (!needs(t, 'redis')) return;`. Skips the test (and returns false) only when a person
 * left the server out; one that is merely missing is an error that names the command that installs it.
 */
export function needs(t: Skippable, ...names: ServerName[]): boolean {
  const without = leftOut().filter((name) => names.includes(name));
  if (without.length > 0) {
    t.skip(`left out by --without ${without.join(',')}`);
    return false;
  }
  const missing = names.filter((name) => !isInstalled(name));
  if (missing.length === 0) return true;
  throw new Error(
    `this test needs ${missing.join(', ')}, which is not installed.\n` +
      `Install: ${installCommand(...missing)}\nOr leave out: npm test -- --without ${missing.join(',')}`,
  );
}
