// A database behind a binding, whichever way it was named: by a configuration of the control store, or by a local
// connection string in development.
import type { Service } from '@sallyport/control';
import type { Caching } from '@sallyport/hyperdrive';
import type { ChannelBinding, SslMode } from '@sallyport/workers';

/** Authorities and client certificate, in PEM. */
export interface DatabaseTls {
  mode: SslMode;
  /** Undefined: the system's authorities. */
  ca?: string | undefined;
  cert?: string | undefined;
  key?: string | undefined;
  channelBinding?: ChannelBinding | undefined;
}

export interface Database {
  id: string;
  /** What people call it: the configuration's name, or the binding's. */
  name: string;
  host: string;
  port: number;
  user: string;
  password: string;
  database: string;
  tls: DatabaseTls;
  caching: Caching;
  /** The VPC service it is, whose host and port these are. */
  service?: Service | undefined;
  /** Connections to the origin; undefined for the default. */
  connectionLimit?: number | undefined;
}

/** What a configuration is unless it says otherwise [Hyperdrive: query caching]. */
export const defaultCaching: Caching = { disabled: false, maxAge: 60, staleWhileRevalidate: 15 };
