// A private FTP server (vsftpd) for one folder, open to `anonymous` to read and write: `await use(t, startVsftpd())`.
import { serverProgram } from './available.ts';
import { startInetd } from './inetd.ts';
import { ServerDirectory, serverUser } from './process.ts';
import type { RunningServer, ServerTls } from './server.ts';

export interface VsftpdOptions {
  /** Offers `AUTH TLS`; with `clientCa`, demands it and a client certificate. */
  tls?: ServerTls;
  /** Speaks TLS from the first byte. Default: false. */
  implicit?: boolean;
}

export interface VsftpdServer extends RunningServer {
  user: string;
  password: string;
}

function tlsLines(directory: ServerDirectory, { tls, implicit = false }: VsftpdOptions): string[] {
  if (tls === undefined) return [];
  const isMutual = tls.clientCa !== undefined;
  const force = isMutual || implicit ? 'YES' : 'NO';
  return [
    'ssl_enable=YES',
    'allow_anon_ssl=YES',
    `implicit_ssl=${implicit ? 'YES' : 'NO'}`,
    `force_anon_logins_ssl=${force}`,
    `force_anon_data_ssl=${force}`,
    'ssl_ciphers=HIGH',
    // That a data connection resumes the session of the control connection.
    'require_ssl_reuse=NO',
    `rsa_cert_file=${directory.write('server.crt', tls.certificate.cert)}`,
    `rsa_private_key_file=${directory.write('server.key', tls.certificate.key)}`,
    ...(isMutual ? [`ca_certs_file=${directory.write('client-ca.crt', tls.clientCa!)}`, 'require_cert=YES'] : []),
    ...(isMutual ? ['validate_cert=YES'] : []),
  ];
}

export async function startVsftpd(options: VsftpdOptions = {}): Promise<VsftpdServer> {
  const directory = new ServerDirectory('vsftpd', serverUser('nobody'));
  const [files, empty] = [directory.makeFolder('files'), directory.makeFolder('empty')];
  const lines = [
    'listen=NO',
    // Whoever started it cannot become somebody else, and need not.
    'run_as_launching_user=YES',
    'seccomp_sandbox=NO',
    'ftp_username=nobody',
    'anonymous_enable=YES',
    'local_enable=NO',
    'no_anon_password=YES',
    'write_enable=YES',
    'anon_upload_enable=YES',
    'anon_mkdir_write_enable=YES',
    'anon_other_write_enable=YES',
    'anon_world_readable_only=NO',
    `anon_root=${files}`,
    `secure_chroot_dir=${empty}`,
    'connect_from_port_20=NO',
    'xferlog_enable=NO',
    ...tlsLines(directory, options),
  ];
  const server = await startInetd({
    directory,
    command: serverProgram('vsftpd', 'vsftpd'),
    arguments: [directory.write('vsftpd.conf', `${lines.join('\n')}\n`)],
  });
  return Object.assign(server, { user: 'anonymous', password: 'guest' });
}
