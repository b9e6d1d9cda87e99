// An address to listen on, written `host:port`, `[ipv6]:port`, `:port` or as a bare port number.
import { formatPath, type Report, type Slot } from '@sallyport/workers/config';

export interface ListenAddress {
  host: string;
  /** 0 takes a free one. */
  port: number;
}

/** Undefined when the text is none. */
export function parseListenAddress(text: string, fallback: ListenAddress): ListenAddress | undefined {
  const [, ipv6, name, port] = /^(?:\[([\da-f:.]+)\]|([^:[\]]*))(?::(\d{1,5}))?$/i.exec(text) ?? [];
  if (ipv6 === undefined && name === undefined) return undefined;
  const bare = port === undefined && name !== undefined && /^\d{1,5}$/.test(name);
  const number = Number(bare ? name : (port ?? fallback.port));
  if (number > 65_535) return undefined;
  const host = ipv6 ?? (bare || name === '' ? undefined : name);
  return { host: host ?? fallback.host, port: number };
}

export function readAddress(slot: Slot | undefined, fallback: ListenAddress, report: Report): ListenAddress {
  if (slot === undefined) return fallback;
  const { value } = slot;
  const text = typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
  const address = text === undefined ? undefined : parseListenAddress(text, fallback);
  if (address !== undefined) return address;
  report.error(slot.path, 'invalid_setting', {
    key: formatPath(slot.path),
    problem: 'it is not an address to listen on',
    remedy: `Write "HOST:PORT", such as "${fallback.host}:${fallback.port}".`,
  });
  return fallback;
}
