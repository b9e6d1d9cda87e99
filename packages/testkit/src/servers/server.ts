// What every started server looks like to a test.
import type { Certificate } from '../certificates.ts';
import type { ServerProcess } from './process.ts';

export interface RunningServer extends AsyncDisposable {
  host: string;
  port: number;
  /** Its private temporary directory. */
  directory: string;
  /** The last 64 KiB the server wrote. */
  readonly log: string;
  /** Ends it and removes its directory. */
  stop(): Promise<void>;
}

export interface ServerTls {
  certificate: Certificate;
  /** Requires a client certificate signed by this authority (PEM). */
  clientCa?: string;
}

/** Joins what is special about a server with what every one has. */
export function toRunning<Details extends object>(
  server: ServerProcess,
  details: Details & { port: number },
): Details & RunningServer {
  return Object.defineProperty(
    {
      host: '127.0.0.1',
      ...details,
      directory: server.directory,
      stop: () => server.stop(),
      [Symbol.asyncDispose]: () => server.stop(),
    },
    'log',
    { get: () => server.log },
  ) as Details & RunningServer;
}
