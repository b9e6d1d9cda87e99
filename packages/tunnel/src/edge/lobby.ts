// Counts the connections that are between accept and registered: in all, and from one address, so that one machine
// that says nothing cannot keep connectors of others out.
import type { Socket } from 'node:net';
import { maxUnregistered, maxUnregisteredPerAddress } from '../link/protocol.ts';

/** A connection by its far end; TLS has another object for it than TCP. */
function keyOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

export class Lobby {
  readonly #inside = new Map<string, string>();
  readonly #perAddress = new Map<string, number>();

  /** Counts a connection until it closes or leaves; why it may not enter, when it may not. */
  enter(socket: Socket): string | undefined {
    const { remoteAddress = '' } = socket;
    if (this.#inside.size >= maxUnregistered) return `${maxUnregistered} connections are not registered yet`;
    const here = this.#perAddress.get(remoteAddress) ?? 0;
    if (here >= maxUnregisteredPerAddress) {
      return `${maxUnregisteredPerAddress} connections from ${remoteAddress} are not registered yet`;
    }
    const key = keyOf(socket);
    this.#inside.set(key, remoteAddress);
    this.#perAddress.set(remoteAddress, here + 1);
    socket.once('close', () => this.#forget(key));
    return undefined;
  }

  /** It is registered. */
  leave(socket: Socket): void {
    this.#forget(keyOf(socket));
  }

  #forget(key: string): void {
    const address = this.#inside.get(key);
    if (address === undefined) return;
    this.#inside.delete(key);
    const here = this.#perAddress.get(address)! - 1;
    if (here > 0) this.#perAddress.set(address, here);
    else this.#perAddress.delete(address);
  }
}
