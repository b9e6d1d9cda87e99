// Addresses of connections, as text.

/** `ip:port`, with brackets around IPv6. */
export function toAuthority(address: string | undefined, port: number | undefined): string | undefined {
  if (address === undefined || port === undefined) return undefined;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
