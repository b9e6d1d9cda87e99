// An address to listen on, written `host:port`, `[ipv6]:port`, `:port` or as a bare port number.
import { EdgeError } from '../errors.ts';
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

/** Starts what listens on an address of the configuration. @throws EdgeError `cannot_listen`, naming the key */
export async function listening<Result>(
  key: string,
  { host, port }: ListenAddress,
  start: () => Promise<Result>,
): Promise<Result> {
  try {
    return await start();
  } catch (cause) {
    const { syscall, message, code } = cause as NodeJS.ErrnoException;
    // With port 0 nobody asked for an address that could be taken.
    if (port === 0 || code === undefined || (syscall !== 'listen' && syscall !== 'getaddrinfo')) throw cause;
    const error = new EdgeError('cannot_listen', `${host}:${port} (${key}): ${message}`, { cause });
    throw Object.assign(error, { systemCode: code });
  }
}
