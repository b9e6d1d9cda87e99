// A private Mosquitto (MQTT broker) without persistence: `await use(t, startMosquitto())`.
import { serverProgram } from './available.ts';
import { onFreePort, ServerDirectory, serverUser, startProcess } from './process.ts';
import { toRunning } from './server.ts';
import type { RunningServer, ServerTls } from './server.ts';

export interface MosquittoOptions {
  /** Speaks TLS only. */
  tls?: ServerTls;
}

async function start(port: number, { tls }: MosquittoOptions): Promise<RunningServer> {
  const directory = new ServerDirectory('mosquitto', serverUser('mosquitto'));
  const lines = [`listener ${port} 127.0.0.1`, 'allow_anonymous true', 'persistence false', 'log_dest stderr'];
  if (tls !== undefined) {
    lines.push(`certfile ${directory.write('server.crt', tls.certificate.cert)}`);
    lines.push(`keyfile ${directory.write('server.key', tls.certificate.key)}`);
    if (tls.clientCa !== undefined) {
      lines.push(`cafile ${directory.write('client-ca.crt', tls.clientCa)}`, 'require_certificate true');
    }
  }
  const server = await startProcess({
    directory,
    command: serverProgram('mosquitto', 'mosquitto'),
    arguments: ['-c', directory.write('mosquitto.conf', `${lines.join('\n')}\n`)],
    ready: /mosquitto version \S+ running/,
  });
  return toRunning<object>(server, { port });
}

export function startMosquitto(options: MosquittoOptions = {}): Promise<RunningServer> {
  return onFreePort((port) => start(port, options));
}
