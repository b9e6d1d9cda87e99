// A private NATS server: `await use(t, startNats())`. It speaks first and upgrades to TLS behind that.
import { serverProgram } from './available.ts';
import { onFreePort, ServerDirectory, serverUser, startProcess } from './process.ts';
import { toRunning } from './server.ts';
import type { RunningServer, ServerTls } from './server.ts';

export interface NatsOptions {
  /** Default `sallyport`. */
  user?: string;
  /** Default `secret`. */
  password?: string;
  /** Demands the upgrade to TLS; with `clientCa`, a client certificate too. */
  tls?: ServerTls;
}

export interface NatsServer extends RunningServer {
  user: string;
  password: string;
}

async function start(port: number, options: NatsOptions): Promise<NatsServer> {
  const { user = 'sallyport', password = 'secret', tls } = options;
  const directory = new ServerDirectory('nats', serverUser('nats'));
  const lines = [
    `listen: "127.0.0.1:${port}"`,
    'max_payload: 4MB',
    `authorization { user: ${JSON.stringify(user)}, password: ${JSON.stringify(password)} }`,
  ];
  if (tls !== undefined) {
    lines.push(
      'tls {',
      `  cert_file: "${directory.write('server.crt', tls.certificate.cert)}"`,
      `  key_file: "${directory.write('server.key', tls.certificate.key)}"`,
      ...(tls.clientCa === undefined
        ? []
        : [`  ca_file: "${directory.write('client-ca.crt', tls.clientCa)}"`, '  verify: true']),
      '}',
    );
  }
  const server = await startProcess({
    directory,
    command: serverProgram('nats', 'nats-server'),
    arguments: ['-c', directory.write('nats.conf', `${lines.join('\n')}\n`)],
    ready: /Server is ready/,
  });
  return toRunning(server, { port, user, password });
}

export function startNats(options: NatsOptions = {}): Promise<NatsServer> {
  return onFreePort((port) => start(port, options));
}
