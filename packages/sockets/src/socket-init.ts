// The parts of one socket.
import type { ParsedAddress } from './address.ts';
import type { Clock } from './clock.ts';
import type { CheckedOptions } from './options.ts';
import type { Slots } from './slots.ts';
import type { Transport } from './transport.ts';

/** What `connect()` and `startTls()` build a socket from. */
export interface SocketInit {
  address: ParsedAddress;
  options: CheckedOptions;
  transport: Transport;
  slots: Slots | undefined;
  clock: Clock;
  /** Milliseconds `close()` waits for queued writes to be sent before it resets the connection. */
  lingerTimeout: number;
  /** Bytes to allocate for each default read, where the platform's streams would otherwise allocate too few. */
  readSize: number | undefined;
}
