// The error registry of this package: one row per code.

const registry = {
  authority_invalid: {
    message: (detail: string): string => `The edge's certificate authority cannot be used: ${detail}`,
    remedy:
      'Restore ca.pem and ca.key from their backup. To begin anew remove both; every connector needs a new token then.',
  },
  state_unusable: {
    message: (detail: string): string => `The state directory cannot be used: ${detail}`,
    remedy: 'Give Sallyport a directory that it may write and nobody else may read, with `state` in sallyport.toml.',
  },
  state_in_use: {
    message: (detail: string): string => `Another edge uses this state directory: ${detail}`,
    remedy: 'Stop it, or give this edge a `state` of its own in sallyport.toml.',
  },
  cannot_listen: {
    message: (detail: string): string => `Cannot listen on ${detail}`,
    remedy: 'Stop what uses the address, or write another in sallyport.toml.',
  },
  worker_name_taken: {
    message: (name: string): string => `Two Workers of this edge are called ${name}`,
    remedy: 'Give each project a "name" of its own: Durable Object storage goes by it.',
  },
  hyperdrive_unknown: {
    message: (detail: string): string => `There is no Hyperdrive configuration ${detail}`,
    remedy:
      'Create one with `sallyport hyperdrive create NAME --connection-string=postgres://…` and write its id; for `sallyport dev` a CLOUDFLARE_HYPERDRIVE_LOCAL_CONNECTION_STRING_<BINDING> does as well.',
  },
  hyperdrive_remote: {
    message: (detail: string): string => `The edge of --edge has no Hyperdrive configuration ${detail}`,
    remedy:
      'Create one there with `sallyport hyperdrive create NAME --connection-string=postgres://…`, or set CLOUDFLARE_HYPERDRIVE_LOCAL_CONNECTION_STRING_<BINDING>.',
  },
  vpc_service_unknown: {
    message: (detail: string): string => `There is no VPC service ${detail}`,
    remedy:
      'Create one with `sallyport vpc service create NAME --type=http --hostname=… --tunnel-id=…` and write its id, or see `sallyport vpc service list`.',
  },
  vpc_network_unknown: {
    message: (detail: string): string => `There is no tunnel or virtual network ${detail}`,
    remedy: 'See `sallyport tunnel list` and `sallyport tunnel vnet list`; "cf1:network" is the default network.',
  },
  hyperdrive_file: {
    message: (detail: string): string => `A file of a local connection string cannot be read: ${detail}`,
    remedy: 'Correct sslrootcert, sslcert and sslkey; paths start at the folder of the configuration.',
  },
  certificate_unknown: {
    message: (detail: string): string => `There is no certificate ${detail}`,
    remedy:
      'Upload it with `sallyport cert upload mtls-certificate --cert FILE --key FILE` (or certificate-authority --ca-cert FILE) and write its id, or see `sallyport cert list`.',
  },
  certificate_unusable: {
    message: (detail: string): string => `A certificate cannot be used: ${detail}`,
    remedy: 'A mtls_certificates binding takes a client certificate: `sallyport cert upload mtls-certificate`.',
  },
  certificate_remote: {
    message: (detail: string): string =>
      `mtls_certificates do not work with --edge, whose keys stay there: there is no certificate ${detail}`,
    remedy:
      'The project runs without --edge: upload the certificate to its own edge then, with `sallyport cert upload mtls-certificate`.',
  },
  edge_unreachable: {
    message: (detail: string): string => `The edge does not answer: ${detail}`,
    remedy: 'Check that it runs, and the address and token given with --edge.',
  },
} as const;

export type EdgeErrorCode = keyof typeof registry;

/** Everything this package throws for a user to repair, beside errors of a configuration. */
export class EdgeError extends Error {
  override readonly name = 'EdgeError';
  readonly code: EdgeErrorCode;
  readonly remedy: string;

  constructor(code: EdgeErrorCode, detail: string, options?: { cause?: unknown; remedy?: string | undefined }) {
    super(registry[code].message(detail), options);
    this.code = code;
    this.remedy = options?.remedy ?? registry[code].remedy;
  }
}
