// A private OpenSSH server that lets the user running the tests in with a key made for it: `await use(t, startOpenssh())`.
import { mkdirSync, readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { serverProgram } from './available.ts';
import { onFreePort, ServerDirectory, startProcess } from './process.ts';
import { toRunning } from './server.ts';
import type { RunningServer } from './server.ts';

export interface OpensshOptions {
  /** More lines for sshd_config. */
  settings?: readonly string[];
}

export interface OpensshServer extends RunningServer {
  /** The user running the tests, who is the only one that may log in. */
  user: string;
  /** File with the private key that logs in (OpenSSH format, Ed25519), and its text. */
  privateKeyFile: string;
  privateKey: string;
  /** The server's public key, as a known_hosts file has it: `ssh-ed25519 AAAA…`. */
  hostKey: string;
}

async function makeKey(directory: ServerDirectory, name: string): Promise<string> {
  const path = join(directory.path, name);
  await directory.prepare(serverProgram('openssh', 'ssh-keygen'), ['-q', '-t', 'ed25519', '-N', '', '-f', path]);
  return path;
}

async function start(port: number, { settings = [] }: OpensshOptions): Promise<OpensshServer> {
  const directory = new ServerDirectory('openssh');
  const [hostKey, clientKey] = await Promise.all([makeKey(directory, 'host'), makeKey(directory, 'client')]);
  const publicKey = readFileSync(`${clientKey}.pub`, 'utf8');
  const lines = [
    `ListenAddress 127.0.0.1:${port}`,
    `HostKey ${hostKey}`,
    `AuthorizedKeysFile ${directory.write('authorized_keys', publicKey)}`,
    'PidFile none',
    'StrictModes no',
    'UsePAM no',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PermitRootLogin prohibit-password',
    'AllowTcpForwarding yes',
    `Subsystem sftp internal-sftp`,
    ...settings,
  ];
  // The package's service makes this folder at boot; started by hand as root, sshd refuses to run without it.
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  const server = await startProcess({
    directory,
    command: serverProgram('openssh', 'sshd'),
    arguments: ['-D', '-e', '-f', directory.write('sshd_config', `${lines.join('\n')}\n`)],
    ready: /Server listening on/,
  });
  return toRunning(server, {
    port,
    user: userInfo().username,
    privateKeyFile: clientKey,
    privateKey: readFileSync(clientKey, 'utf8'),
    hostKey: readFileSync(`${hostKey}.pub`, 'utf8').split(' ').slice(0, 2).join(' '),
  });
}

export function startOpenssh(options: OpensshOptions = {}): Promise<OpensshServer> {
  return onFreePort((port) => start(port, options));
}
