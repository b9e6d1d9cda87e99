// Where a pool's connections go, and how they are made: dialling and TLS are passed in, so a tunnel does as well as TCP.
import type { Duplex } from 'node:stream';
import type { HyperdriveErrorCode } from '../errors.ts';

export interface TlsUpgrade {
  stream: Duplex;
  /** For channel binding: the server's certificate in DER. */
  serverCertificate?: Uint8Array | undefined;
}

export interface Origin {
  user: string;
  password: string;
  database: string;
  /** Opens a byte stream to the database; it should send small writes at once (TCP_NODELAY). */
  dial(options: { signal: AbortSignal }): Promise<Duplex>;
  /**
   * Starts TLS on a stream whose other end agreed to it, and checks the certificate as the configuration says. Without
   * it the connection is plain.
   */
  startTls?: (stream: Duplex) => Promise<TlsUpgrade>;
  /** What to do about a TLS failure, from the general remedy, where the host knows more of the settings. */
  explainTls?: (code: HyperdriveErrorCode, remedy: string) => string;
  /** Goes on in the clear when the other end has no TLS: libpq's `prefer`. Default: that is an error. */
  allowsPlain?: boolean;
  /** Default: `prefer`. */
  channelBinding?: 'require' | 'prefer' | 'disable';
  /** Shown in pg_stat_activity. Default: `Sallyport Hyperdrive`. */
  applicationName?: string;
}
