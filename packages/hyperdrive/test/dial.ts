// Plain TCP to a server of the tests.
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import type { Origin } from '../src/index.ts';

export async function dialTcp(port: number, signal?: AbortSignal): Promise<Duplex> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true, ...(signal === undefined ? {} : { signal }) });
  await once(socket, 'connect');
  return socket;
}

/** An origin that is reached over TLS, its certificate checked against an authority. */
export function tlsOrigin(ca: string): Pick<Origin, 'startTls' | 'channelBinding'> {
  return {
    channelBinding: 'require',
    startTls: async (plain) => {
      const stream = connectTls({ socket: plain, ca, host: '127.0.0.1' });
      await once(stream, 'secureConnect');
      return { stream, serverCertificate: stream.getPeerX509Certificate()?.raw };
    },
  };
}
