// A private Redis without persistence: `await use(t, startRedis())`.
import { serverProgram } from './available.ts';
import { onFreePort, ServerDirectory, serverUser, startProcess } from './process.ts';
import { toRunning } from './server.ts';
import type { RunningServer, ServerTls } from './server.ts';

export interface RedisOptions {
  /** Default `secret`; `''` asks for none. */
  password?: string;
  /** Speaks TLS only. */
  tls?: ServerTls;
}

export interface RedisServer extends RunningServer {
  user: string;
  password: string;
}

async function start(port: number, { password = 'secret', tls }: RedisOptions): Promise<RedisServer> {
  const directory = new ServerDirectory('redis', serverUser('redis'));
  const lines = ['bind 127.0.0.1', 'save ""', 'appendonly no', 'daemonize no', `dir ${directory.path}`];
  if (password !== '') lines.push(`requirepass ${password}`);
  if (tls === undefined) {
    lines.push(`port ${port}`);
  } else {
    lines.push('port 0', `tls-port ${port}`, `tls-auth-clients ${tls.clientCa === undefined ? 'no' : 'yes'}`);
    lines.push(`tls-cert-file ${directory.write('server.crt', tls.certificate.cert)}`);
    lines.push(`tls-key-file ${directory.write('server.key', tls.certificate.key)}`);
    // Redis demands an authority even when it asks no client for a certificate.
    lines.push(`tls-ca-cert-file ${directory.write('ca.crt', tls.clientCa ?? tls.certificate.cert)}`);
  }
  const server = await startProcess({
    directory,
    command: serverProgram('redis', 'redis-server'),
    arguments: [directory.write('redis.conf', `${lines.join('\n')}\n`)],
    ready: /Ready to accept connections/,
  });
  return toRunning(server, { port, user: 'default', password });
}

export function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  return onFreePort((port) => start(port, options));
}
