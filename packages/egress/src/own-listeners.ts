// Loop detection: whether an address and port are one of this process's own listeners.
import { networkInterfaces } from 'node:os';
import { formsOf, type Ip, parseIp } from './ip.ts';
import { namedAddresses } from './ranges.ts';

/** Where this process listens. An address that is not an IP address counts as every local address. */
export interface OwnListener {
  address: string;
  port: number;
}

export type LoopCheck = (ip: Ip, port: number) => boolean;

/**
 * A check against the listeners as they are when it is asked. A wildcard listener (`0.0.0.0` for IPv4, `::` for both)
 * stands for every address of this machine.
 */
export function createLoopCheck(
  ownListeners: () => Iterable<OwnListener>,
  options: { localAddresses?: () => Iterable<string> } = {},
): LoopCheck {
  const { localAddresses = interfaceAddresses } = options;
  const loopback = namedAddresses('loopback');
  const isLocal = (form: Ip): boolean => loopback(form) || includes(localAddresses(), form.text);

  const reaches = (listener: Ip | undefined, form: Ip): boolean => {
    if (listener === undefined || listener.text === '::') return isLocal(form);
    if (listener.text === '0.0.0.0') return form.value.kind() === 'ipv4' && isLocal(form);
    return connectsTo(form.text) === listener.text;
  };

  return (ip, port) => {
    for (const listener of ownListeners()) {
      if (listener.port !== port) continue;
      const address = parseIp(listener.address);
      if (formsOf(ip).some((form) => reaches(address, form))) return true;
    }
    return false;
  };
}

/** Where the system really connects for an unspecified address. */
function connectsTo(address: string): string {
  if (address === '0.0.0.0') return '127.0.0.1';
  return address === '::' ? '::1' : address;
}

function includes(addresses: Iterable<string>, wanted: string): boolean {
  for (const address of addresses) if (parseIp(address)?.text === wanted) return true;
  return false;
}

function interfaceAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((list = []) => list.map(({ address }) => address));
}
