// Whether the Host of a request means this machine: what tells a program here from a web page whose name was made to
// lead to us (DNS rebinding). A browser sends the page's own name, whatever its address has become.
import { toCanonicalHost } from './destination.ts';
import { parseIp } from './ip.ts';
import { isLocalhostName, namedAddresses } from './ranges.ts';

/** Whether a Host field, with or without port, is `localhost` or a loopback address. No browser leaves the field out. */
export function isLoopbackHost(field: string | undefined): boolean {
  if (field === undefined) return true;
  const host = toCanonicalHost(field.replace(/:\d*$/, '').replace(/^\[(.*)\]$/, '$1'));
  if ('problem' in host) return false;
  if (host.kind === 'name') return isLocalhostName(host.text);
  const ip = parseIp(host.text);
  return ip !== undefined && namedAddresses('loopback')(ip);
}
