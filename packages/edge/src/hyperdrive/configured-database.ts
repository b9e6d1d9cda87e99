// A configuration of the control store as a database.
import type { ResolvedHyperdriveConfig } from '@sallyport/control';
import type { Database } from './database.ts';

export function toConfiguredDatabase(config: ResolvedHyperdriveConfig): Database {
  const { id, name, origin, caching, mtls, tls, service } = config;
  const { host, port, user, password, database } = origin;
  return {
    id,
    name,
    host,
    port,
    user,
    password,
    database,
    tls: {
      mode: mtls.sslmode,
      ca: tls.ca,
      cert: tls.certificate,
      key: tls.key,
      channelBinding: mtls.channel_binding,
    },
    caching: {
      disabled: caching.disabled,
      maxAge: caching.max_age,
      staleWhileRevalidate: caching.stale_while_revalidate,
    },
    ...(service === undefined ? {} : { service }),
    connectionLimit: config.origin_connection_limit,
  };
}
