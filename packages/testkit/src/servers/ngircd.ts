// A private IRC server (ngIRCd): `await use(t, startNgircd())`.
import { serverProgram } from './available.ts';
import { onFreePort, ServerDirectory, serverUser, startProcess } from './process.ts';
import { toRunning } from './server.ts';
import type { RunningServer, ServerTls } from './server.ts';

export interface NgircdOptions {
  /** Default `secret`. */
  password?: string;
  /** Speaks TLS only; it asks no client for a certificate. */
  tls?: ServerTls;
}

export interface NgircdServer extends RunningServer {
  password: string;
}

async function start(port: number, { password = 'secret', tls }: NgircdOptions): Promise<NgircdServer> {
  const directory = new ServerDirectory('ngircd', serverUser('irc'));
  const lines = [
    '[Global]',
    'Name = irc.test',
    'Info = test',
    'AdminInfo1 = test',
    'Listen = 127.0.0.1',
    `Password = ${password}`,
    ...(tls === undefined ? [`Ports = ${port}`] : []),
    '[Limits]',
    'MaxConnectionsIP = 0',
    'MaxPenaltyTime = 0',
    '[Options]',
    'DNS = no',
    'Ident = no',
    'PAM = no',
    ...(tls === undefined
      ? []
      : [
          '[SSL]',
          `CertFile = ${directory.write('server.crt', tls.certificate.cert)}`,
          `KeyFile = ${directory.write('server.key', tls.certificate.key)}`,
          `Ports = ${port}`,
        ]),
  ];
  const server = await startProcess({
    directory,
    command: serverProgram('ngircd', 'ngircd'),
    arguments: ['--nodaemon', '--config', directory.write('ngircd.conf', `${lines.join('\n')}\n`)],
    ready: /Now listening on .*socket/,
  });
  return toRunning(server, { port, password });
}

export function startNgircd(options: NgircdOptions = {}): Promise<NgircdServer> {
  return onFreePort((port) => start(port, options));
}
