// One connection of `node:net` in a Worker: the same transports, slots and limits as those of `connect()`.
import { type CheckedOptions, defaults, type SecureTransport } from '../../options.ts';
import { currentSlots } from '../../invocation.ts';
import type { Slot } from '../../slots.ts';
import { SocketError } from '../../socket-error.ts';
import type { TlsRequest } from '../../tls-request.ts';
import type { Transport, TransportEvents } from '../../transport.ts';
import { BoundTransport, isBound } from '../bound-transport.ts';
import { WorkerTransport } from '../transport.ts';

export interface ChannelTarget {
  /** A name or an address, IPv6 without brackets. */
  host: string;
  port: number;
  /** `starttls` where TLS may be asked for later. */
  secureTransport: SecureTransport;
  tls: TlsRequest;
}

/** What a gateway accepts as a host. */
const hostPattern = /^[A-Za-z0-9\-._:]{1,240}$/;

export class Channel {
  readonly #transport: Transport;
  readonly #authority: string;
  readonly #isValid: boolean;
  #events!: TransportEvents;
  #slot: Slot | undefined;
  #leaveQueue: (() => void) | undefined;
  #over = false;

  constructor({ host, port, secureTransport, tls }: ChannelTarget) {
    const hostname = host.includes(':') ? `[${host}]` : host;
    this.#authority = `${hostname}:${port}`;
    this.#isValid = hostPattern.test(host);
    const address = { hostname, port, authority: this.#authority, scheme: undefined };
    const { connectTimeout, highWaterMark } = defaults;
    const options: CheckedOptions = {
      secureTransport,
      tls,
      connectTimeout,
      highWaterMark,
      allowHalfOpen: true,
      signal: undefined,
    };
    this.#transport = isBound(address) ? new BoundTransport(address, options) : new WorkerTransport(address, options);
  }

  /** Connects, as soon as the invocation has a slot. @throws the runtime's own error outside a handler */
  open(events: TransportEvents): void {
    this.#events = {
      ...events,
      opened: (info) => {
        if (this.#transport.isLocal === true) this.#release();
        events.opened(info);
      },
    };
    if (!this.#isValid) return queueMicrotask(() => this.#fail(new SocketError('invalid_destination')));
    const slots = currentSlots();
    const slot = slots?.tryAcquire(this.#authority);
    if (slots === undefined || slot !== undefined) return this.#begin(slot);
    this.#leaveQueue = slots.wait(this.#authority, (result) => {
      this.#leaveQueue = undefined;
      if (result instanceof SocketError) return this.#fail(result);
      this.#begin(result);
    });
  }

  #begin(slot: Slot | undefined): void {
    this.#slot = slot;
    if (this.#over) return this.#release();
    try {
      this.#transport.open(this.#events);
    } catch (error) {
      this.#release();
      throw error;
    }
  }

  #fail(error: SocketError): void {
    if (!this.#over) this.#events.failed(error, []);
  }

  pull(): void {
    this.#transport.pull();
  }

  write(bytes: Uint8Array): Promise<void> | undefined {
    return this.#transport.write(bytes);
  }

  end(): Promise<void> {
    return this.#transport.end();
  }

  startTls(request: TlsRequest, events: TransportEvents): void {
    this.#transport.startTls(request, events);
  }

  /** Why the code that runs now may not use this connection. */
  refusal(): unknown {
    return this.#transport.refusal?.();
  }

  destroy(reset: boolean): void {
    if (this.#over) return;
    this.#over = true;
    this.#leaveQueue?.();
    // Of another request's connection only the runtime may let go; it does when that request ends.
    if (this.refusal() === undefined) this.#transport.destroy(reset);
    this.#release();
  }

  #release(): void {
    this.#slot?.release();
    this.#slot = undefined;
  }
}
