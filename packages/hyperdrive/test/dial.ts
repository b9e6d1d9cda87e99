// Plain TCP to a server of the tests: as the pooler dials an origin, and as a client comes to the pooler.
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { dialTcp as dialEgress } from '@sallyport/egress';
import type { Origin } from '../src/index.ts';

/** As an origin is dialled: half-open, its reads lent. */
export async function dialTcp(port: number, signal?: AbortSignal): Promise<Duplex> {
  const { signal: never } = new AbortController();
  return (await dialEgress({ address: '127.0.0.1', port }, { signal: signal ?? never, lendsReads: true })).stream;
}

/** As a client connects: it closes when the server does. */
export async function connectClient(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
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
