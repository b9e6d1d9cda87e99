// A private OpenLDAP server for `dc=test`, which is empty: `await use(t, startOpenldap())`.
import { existsSync } from 'node:fs';
import { serverProgram } from './available.ts';
import { onFreePort, ServerDirectory, serverUser, startProcess } from './process.ts';
import { toRunning } from './server.ts';
import type { RunningServer, ServerTls } from './server.ts';

export interface OpenldapOptions {
  /** Offers StartTLS; with `clientCa`, a client must present a certificate. */
  tls?: ServerTls;
  /** Speaks TLS from the first byte. Default: false. */
  implicit?: boolean;
}

export interface OpenldapServer extends RunningServer {
  /** The name that may do everything. */
  user: string;
  password: string;
  /** The suffix. */
  database: string;
}

/** Where Debian keeps modules and schemas, and where Homebrew does. */
const moduleFolders = ['/usr/lib/ldap', '/opt/homebrew/libexec/openldap'];
const schemaFolders = ['/etc/ldap/schema', '/opt/homebrew/etc/openldap/schema'];

function folderOf(folders: readonly string[]): string {
  return folders.find((folder) => existsSync(folder)) ?? folders[0]!;
}

async function start(port: number, { tls, implicit = false }: OpenldapOptions): Promise<OpenldapServer> {
  const directory = new ServerDirectory('openldap', serverUser('openldap'));
  const [user, password, database] = ['cn=admin,dc=test', 'secret', 'dc=test'];
  const lines = [
    `include ${folderOf(schemaFolders)}/core.schema`,
    `modulepath ${folderOf(moduleFolders)}`,
    'moduleload back_mdb',
    'sockbuf_max_incoming 16777216',
    ...(tls === undefined
      ? []
      : [
          `TLSCertificateFile ${directory.write('server.crt', tls.certificate.cert)}`,
          `TLSCertificateKeyFile ${directory.write('server.key', tls.certificate.key)}`,
          ...(tls.clientCa === undefined
            ? []
            : [`TLSCACertificateFile ${directory.write('client-ca.crt', tls.clientCa)}`, 'TLSVerifyClient demand']),
        ]),
    'database mdb',
    'maxsize 67108864',
    'dbnosync',
    `suffix "${database}"`,
    `rootdn "${user}"`,
    `rootpw ${password}`,
    `directory ${directory.makeFolder('data')}`,
  ];
  const server = await startProcess({
    directory,
    command: serverProgram('openldap', 'slapd'),
    // With a debug level it stays in the foreground; `conns` says when it listens, which is after it says `starting`.
    arguments: [
      '-f',
      directory.write('slapd.conf', `${lines.join('\n')}\n`),
      '-h',
      `${implicit ? 'ldaps' : 'ldap'}://127.0.0.1:${port}`,
      '-d',
      'conns',
    ],
    ready: /daemon: added \S+ listener=0x/,
  });
  return toRunning(server, { port, user, password, database });
}

export function startOpenldap(options: OpenldapOptions = {}): Promise<OpenldapServer> {
  return onFreePort((port) => start(port, options));
}
