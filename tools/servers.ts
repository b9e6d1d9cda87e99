// Makes sure that the servers the tests need are installed, without starting any of them as a service.
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { debianPackages, installCommand, isInstalled, serverNames } from '../packages/testkit/src/servers/available.ts';
import type { ServerName } from '../packages/testkit/src/servers/available.ts';

/** Debian's hook that decides whether a package may start its service: 101 means no. */
const policyFile = '/usr/sbin/policy-rc.d';
/** Keeps postgresql-common from making a cluster in /var/lib that nobody asked for. */
const clusterFile = '/etc/postgresql-common/createcluster.d/sallyport.conf';

function isDebian(): boolean {
  if (!existsSync('/etc/os-release')) return false;
  return /^ID(_LIKE)?=.*(debian|ubuntu)/m.test(readFileSync('/etc/os-release', 'utf8'));
}

/** Puts a file in place and returns what puts back whatever was there. */
function replaceFile(path: string, content: string, mode: number): () => void {
  const previous = existsSync(path) ? { content: readFileSync(path), mode: statSync(path).mode } : undefined;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  chmodSync(path, mode);
  return () => {
    if (previous === undefined) rmSync(path, { force: true });
    else {
      writeFileSync(path, previous.content);
      chmodSync(path, previous.mode);
    }
  };
}

function aptGet(...parameters: string[]): Promise<void> {
  console.log(`$ apt-get ${parameters.join(' ')}`);
  return new Promise((resolve, reject) => {
    const child = spawn('apt-get', parameters, {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' },
    });
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`apt-get ${parameters[0]} ended with ${signal ?? `code ${code}`}`));
    });
  });
}

function waitForApt(): void {
  console.log('Waiting for apt-get to end');
}

async function install(names: ServerName[]): Promise<void> {
  console.log(`Installing what the tests need: ${names.join(', ')}`);
  // Ctrl-C reaches apt-get itself; we stay until it is gone, to put the files back.
  process.on('SIGINT', waitForApt);
  const restore: (() => void)[] = [];
  try {
    restore.push(replaceFile(policyFile, '#!/bin/sh\nexit 101\n', 0o755));
    restore.push(replaceFile(clusterFile, 'create_main_cluster = false\n', 0o644));
    await aptGet('update');
    await aptGet('install', '-y', '--no-install-recommends', ...debianPackages(...names));
  } finally {
    for (const undo of restore) undo();
    process.off('SIGINT', waitForApt);
  }
}

/** Installs missing servers where that is possible; otherwise returns the text that says what is missing. */
export async function provideServers(without: readonly ServerName[]): Promise<string | undefined> {
  const missing = (): ServerName[] => serverNames.filter((name) => !without.includes(name) && !isInstalled(name));
  let failure = '';
  if (missing().length > 0 && process.getuid?.() === 0 && isDebian()) {
    await install(missing()).catch((error: Error) => (failure = `\n(${error.message})`));
  }
  const still = missing();
  if (still.length === 0) return undefined;
  return (
    `The tests need ${still.join(', ')}, and this machine does not have ${still.length === 1 ? 'it' : 'them'}.${failure}\n` +
    `Install:      ${installCommand(...still)}\n` +
    `Or leave out: npm test -- --without ${still.join(',')}`
  );
}
