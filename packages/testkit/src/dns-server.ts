// A tiny authoritative DNS server on loopback: over UDP, answered by a function, so that a test can change
// its mind between two look-ups. Use it with `new dns.Resolver().setServers([server.address])`.
import { createSocket } from 'node:dgram';
import type { RemoteInfo, Socket } from 'node:dgram';
import { isIPv4, isIPv6 } from 'node:net';

export type DnsType = 'A' | 'AAAA' | 'PTR' | 'MX' | 'TXT' | 'SRV';

export interface DnsQuestion {
  /** As asked, in lower case, without a trailing dot. */
  name: string;
  type: DnsType;
}

/**
 * Addresses of any family (those of the asked one are sent), the data of records of another type, or an error, or `timeout` to say nothing. No addresses
 * means that the name exists without such a record.
 */
export type DnsAnswer = readonly (string | Uint8Array)[] | 'NXDOMAIN' | 'SERVFAIL' | 'REFUSED' | 'timeout';

export interface DnsServer extends AsyncDisposable {
  host: string;
  port: number;
  /** `host:port`, as `Resolver.setServers()` takes it. */
  address: string;
  /** Every question so far, in order. */
  questions: readonly DnsQuestion[];
  close(): Promise<void>;
}

/** Seconds for which answers may be kept: not at all, so that the next look-up asks again. */
const timeToLive = 0;

// [RFC 1035 4.1.1] response codes
const codes = { NOERROR: 0, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5 } as const;
// [RFC 1035 3.2.2], [RFC 3596 2.1]
const types: Record<number, DnsType> = { 1: 'A', 12: 'PTR', 15: 'MX', 16: 'TXT', 28: 'AAAA', 33: 'SRV' };
const headerLength = 12;

interface ParsedQuery {
  question: DnsQuestion | undefined;
  /** The question section as it came, to be sent back. */
  section: Buffer;
}

/** Reads the one question of a query [RFC 1035 4.1.2]; throws a RangeError when it is cut short. */
function parseQuery(query: Buffer): ParsedQuery {
  const labels: string[] = [];
  let offset = headerLength;
  for (let length = query.readUInt8(offset); length > 0; length = query.readUInt8(offset)) {
    labels.push(query.toString('latin1', offset + 1, offset + 1 + length));
    offset += 1 + length;
  }
  const type = types[query.readUInt16BE(offset + 1)];
  const section = query.subarray(headerLength, offset + 5);
  const name = labels.join('.').toLowerCase();
  return { section, question: type === undefined ? undefined : { name, type } };
}

function groups(text = ''): string[] {
  return text === '' ? [] : text.split(':');
}

function addressBytes(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number));
  // The URL parser writes every IPv6 spelling in one form; `::` then stands for the groups that are missing.
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const missing = 8 - groups(head).length - groups(tail).length;
  const all = [...groups(head), ...Array.from({ length: missing }, () => '0'), ...groups(tail)];
  return Buffer.from(all.map((group) => group.padStart(4, '0')).join(''), 'hex');
}

/** One resource record whose name points back at the question [RFC 1035 4.1.3, 4.1.4]. */
function record(type: DnsType, content: string | Uint8Array): Buffer {
  const data = typeof content === 'string' ? addressBytes(content) : content;
  const head = Buffer.alloc(12);
  head.writeUInt16BE(0xc000 | headerLength, 0);
  head.writeUInt16BE(Number(Object.keys(types).find((code) => types[Number(code)] === type)), 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt32BE(timeToLive, 6);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}

function response(query: Buffer, section: Buffer, code: number, records: Buffer[] = []): Buffer {
  const head = Buffer.alloc(headerLength);
  query.copy(head, 0, 0, 2);
  // A response, authoritative, recursion desired as asked and available [RFC 1035 4.1.1].
  head.writeUInt16BE(0x8480 | (query.readUInt16BE(2) & 0x0100) | code, 2);
  head.writeUInt16BE(section.length === 0 ? 0 : 1, 4);
  head.writeUInt16BE(records.length, 6);
  return Buffer.concat([head, section, ...records]);
}

/** Starts the server; `answer` is asked for every question and may take its time. */
export async function startDnsServer(
  answer: (question: DnsQuestion) => DnsAnswer | Promise<DnsAnswer>,
  options: { host?: string } = {},
): Promise<DnsServer> {
  const { host = '127.0.0.1' } = options;
  const questions: DnsQuestion[] = [];
  const socket: Socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
  let open = true;

  async function reply(query: Buffer): Promise<Buffer | undefined> {
    const { question, section } = parseQuery(query);
    if (question === undefined) return response(query, section, codes.NOTIMP);
    questions.push(question);
    const answered = await answer(question);
    if (answered === 'timeout') return undefined;
    if (typeof answered === 'string') return response(query, section, codes[answered]);
    const isWanted = { A: isIPv4, AAAA: isIPv6 }[question.type as string];
    const wanted = answered.filter((entry) =>
      typeof entry === 'string' ? isWanted?.(entry) === true : isWanted === undefined,
    );
    return response(
      query,
      section,
      codes.NOERROR,
      wanted.map((content) => record(question.type, content)),
    );
  }

  async function serve(query: Buffer, from: RemoteInfo): Promise<void> {
    // A question that cannot be read gets no answer, as from a server that is not there.
    const message = await reply(query).catch(() => undefined);
    if (open && message !== undefined) socket.send(message, from.port, from.address);
  }

  socket.on('message', (query, from) => void serve(query, from));
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(0, host, resolve);
  });
  const { port } = socket.address();
  const close = async (): Promise<void> => {
    if (!open) return;
    open = false;
    await new Promise<void>((resolve) => socket.close(resolve));
  };
  const address = isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
  return { host, port, address, questions, close, [Symbol.asyncDispose]: close };
}
