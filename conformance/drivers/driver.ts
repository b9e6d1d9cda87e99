// What a driver's case is: the driver, where it runs, and one exercise of it against a real server.
//
// The same exercise runs in a Worker, with the driver bundled unmodified, and on Node, where the driver takes a stream
// of the host's. It does what a program does (write, read back, something large, an error, the end) and returns what it
// saw; the host compares. So a case is code for both sides and imports nothing that only one of them has.
import type { Json } from '../case.ts';
import type { OpenStream } from './socket-stream.ts';

export type Place = 'worker' | 'node';

/**
 * How the connection is protected. `tls` and `starttls`: from the first byte or by an upgrade, with the authority known
 * to the host only. `ca`: the authority is known to the driver only. `host-certificate` and `driver-certificate`: the
 * server demands a client certificate, which the host (or the driver) has.
 */
export const modes = ['plain', 'tls', 'starttls', 'ca', 'host-certificate', 'driver-certificate'] as const;
export type Mode = (typeof modes)[number];

/** `works`, or in one sentence why not, for a reader; with `fails`, it is tried and must fail like that. */
export type Cell = 'works' | { why: string; fails?: RegExp };

export type Cells = Partial<Record<Mode, Cell>>;

export type ServerKind =
  | 'postgres'
  | 'mariadb'
  | 'redis'
  | 'mosquitto'
  | 'nats'
  | 'openssh'
  | 'smtp'
  | 'vsftpd'
  | 'openldap'
  | 'ngircd'
  | 'gophernicus'
  | 'nobody';

/** How TLS begins on this connection. */
export type TlsStart = 'none' | 'implicit' | 'upgrade';

/** Where an exercise goes, and what the driver is told. */
export interface Target {
  /** Unique to this run: for names of what it makes on a server that others use as well. */
  id: string;
  mode: Mode;
  start: TlsStart;
  host: string;
  port: number;
  user: string;
  password: string;
  database: string;
  /** What the driver is told about TLS; empty when the host knows it instead. */
  tls: { ca?: string; cert?: string; key?: string };
  /** OpenSSH: the key that logs in. */
  privateKey: string;
}

export interface Driver {
  /** Its name on npm. */
  package: string;
  protocol: string;
  server: ServerKind;
  worker: Cells;
  node: Cells | { why: string };
  /** What a reader has to know to use it in a Worker; one sentence. */
  note?: string;
  /** @param open makes the driver's stream on Node; undefined in a Worker, where the driver finds its own */
  exercise(target: Target, open?: OpenStream): Promise<Json>;
  expected(mode: Mode): Json;
}

/** What one exercise writes and reads back in one piece. */
export const largeLength: number = 1024 * 1024;

export function isSecure(mode: Mode): boolean {
  return mode !== 'plain';
}

export function hasClientCertificate(mode: Mode): boolean {
  return mode === 'host-certificate' || mode === 'driver-certificate';
}

/** Runs what must fail and returns what was thrown. */
export async function failureOf(action: () => Promise<unknown>): Promise<Record<string, unknown>> {
  try {
    await action();
  } catch (error) {
    return error as Record<string, unknown>;
  }
  throw new Error('the server accepted what it should have refused');
}
