// The transport of a socket that `startTls()` returned, before and after the upgrade.
//
// The caller may write to and read from that socket at once, while the old one is still connecting or flushing. Nothing
// of that may reach the shared connection before TLS covers it: a write would go out in the clear.
import { createDeferred, type Deferred } from './deferred.ts';
import type { Transport } from './transport.ts';

export class UpgradeTransport implements Transport {
  readonly #ready: Deferred<Transport> = createDeferred();
  #secured: Transport | undefined;
  #pulled = false;

  /** The connection speaks TLS from now on. */
  attach(transport: Transport): void {
    this.#secured = transport;
    this.#ready.resolve(transport);
    if (this.#pulled) transport.pull();
  }

  /** The old socket opens the connection. */
  open(): void {}

  pull(): void {
    if (this.#secured === undefined) this.#pulled = true;
    else this.#secured.pull();
  }

  write(bytes: Uint8Array): Promise<void> | undefined {
    return this.#secured === undefined
      ? this.#ready.promise.then((transport) => transport.write(bytes))
      : this.#secured.write(bytes);
  }

  end(): Promise<void> {
    return this.#ready.promise.then((transport) => transport.end());
  }

  /** A secure socket cannot be upgraded again. */
  startTls(): void {}

  refusal(): unknown {
    return this.#secured?.refusal?.();
  }

  /** Before the upgrade the connection is the old socket's to drop. */
  destroy(reset: boolean): void {
    this.#secured?.destroy(reset);
  }
}
