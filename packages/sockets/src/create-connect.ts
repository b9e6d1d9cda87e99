// `connect()` from its parts: the same checks and socket over whichever transport a host supplies.
import { type AddressLike, parseAddress } from './address.ts';
import { type Clock, systemClock } from './clock.ts';
import { currentSlots } from './invocation.ts';
import { checkOptions, defaults, type SocketOptions } from './options.ts';
import { type Socket, startSocket } from './socket.ts';
import type { CreateTransport } from './transport.ts';

/** Opens a TCP connection; returns at once. Argument errors are thrown, network errors reject `opened` and `closed`. */
export type Connect = (address: AddressLike, options?: SocketOptions) => Socket;

export interface ConnectParts {
  createTransport: CreateTransport;
  clock?: Clock;
  /** Milliseconds `close()` waits for queued writes before it resets the connection. Default 5 000. */
  lingerTimeout?: number;
}

export function connectThrough({
  createTransport,
  clock = systemClock,
  lingerTimeout = defaults.lingerTimeout,
}: ConnectParts): Connect {
  return function connect(address, options) {
    const parsed = parseAddress(address);
    const checked = checkOptions(options, parsed.scheme);
    return startSocket({
      address: parsed,
      options: checked,
      transport: createTransport(parsed, checked),
      slots: currentSlots(),
      clock,
      lingerTimeout,
    });
  };
}
