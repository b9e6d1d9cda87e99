// TLS towards a database, as libpq's sslmode says: `require` encrypts and, unless there is an authority to ask, believes
// whoever answers; `verify-ca` checks who signed; `verify-full` also checks the name.
import { isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { checkServerIdentity, connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import type { TlsUpgrade } from '@sallyport/hyperdrive';
import type { DatabaseTls } from './database.ts';

/** Starts TLS on a stream whose other end has agreed to it. Rejects with the error of the TLS library. */
export async function startOriginTls(plain: Duplex, host: string, tls: DatabaseTls): Promise<TlsUpgrade> {
  const name = host.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
  const { mode, ca, cert, key } = tls;
  // With an authority at hand, libpq's `require` means `verify-ca`.
  const verifies = mode === 'verify-ca' || mode === 'verify-full' || (mode === 'require' && ca !== undefined);
  const settings: ConnectionOptions = {
    socket: plain as Socket,
    servername: isIP(name) === 0 ? name : '',
    rejectUnauthorized: verifies,
    checkServerIdentity: (_host, certificate) =>
      mode === 'verify-full' ? checkServerIdentity(name, certificate) : undefined,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
  const secure = connect(settings);
  await new Promise<void>((resolve, reject) => {
    const settle = (error?: Error): void => {
      secure.off('error', settle).off('secureConnect', onSecure).off('close', onClose);
      if (error === undefined) return resolve();
      secure.on('error', () => {});
      secure.destroy();
      reject(error);
    };
    const onSecure = (): void => settle();
    const onClose = (): void => settle(new Error('the server closed the connection during the handshake'));
    secure.on('error', settle).on('secureConnect', onSecure).on('close', onClose);
  });
  return { stream: secure, serverCertificate: certificateOf(secure) };
}

function certificateOf(secure: TLSSocket): Buffer | undefined {
  return secure.getPeerX509Certificate()?.raw;
}
