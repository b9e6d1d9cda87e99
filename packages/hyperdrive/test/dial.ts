// Plain TCP to a server of the tests.
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { dialTcp as dialEgress } from '@sallyport/egress';
import type { Origin } from '../src/index.ts';

export async function dialTcp(port: number, signal?: AbortSignal): Promise<Duplex> {
  const { signal: never } = new AbortController();
  return (await dialEgress({ address: '127.0.0.1', port }, { signal: signal ?? never, lendsReads: true })).stream;
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
