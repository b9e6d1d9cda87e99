// `connect()` from its parts: the same checks and socket over whichever transport a host supplies.
import { type AddressLike, parseAddress } from './address.ts';
import { type Clock, systemClock } from './clock.ts';
import { currentSlots } from './invocation.ts';
import { checkOptions, defaults, type SocketOptions } from './options.ts';
import { type SlotLimits, Slots } from './slots.ts';
import { type Socket, startSocket } from './socket.ts';
import type { CreateTransport } from './transport.ts';

/** Opens a TCP connection; returns at once. Argument errors are thrown, network errors reject `opened` and `closed`. */
export type Connect = (address: AddressLike, options?: SocketOptions) => Socket;

export interface ConnectParts {
  createTransport: CreateTransport;
  clock?: Clock;
  /** Milliseconds `close()` waits for queued writes before it resets the connection. Default 5 000. */
  lingerTimeout?: number;
  /** Shared by all sockets opened outside an invocation; inside one the invocation's own slots count. Default: none. */
  limits?: Partial<SlotLimits>;
  /** See `SocketInit`. Default: what the platform does. */
  readSize?: number;
}

export function connectThrough({
  createTransport,
  clock = systemClock,
  lingerTimeout = defaults.lingerTimeout,
  limits,
  readSize,
}: ConnectParts): Connect {
  const shared = limits === undefined ? undefined : new Slots(limits, clock);
  return function connect(address, options) {
    const parsed = parseAddress(address);
    const checked = checkOptions(options, parsed.scheme);
    return startSocket({
      address: parsed,
      options: checked,
      transport: createTransport(parsed, checked),
      slots: currentSlots() ?? shared,
      clock,
      lingerTimeout,
      readSize,
    });
  };
}
