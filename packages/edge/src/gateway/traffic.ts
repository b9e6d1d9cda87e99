// Bytes of the connections of an outlet, as the system's sockets count them themselves: nothing is done for a piece that passes.
import type { Socket } from 'node:net';

/** As the outlet sees it: `in` came from its clients, `out` went to them. */
export interface Bytes {
  in: number;
  out: number;
}

export class Traffic {
  readonly #open = new Map<Socket, Bytes>();
  readonly #closed: Bytes = { in: 0, out: 0 };

  /** Counts what comes and goes from now on, until it closes. */
  add(socket: Socket): void {
    this.#open.set(socket, toBytes(socket));
    socket.once('close', () => {
      addSince(this.#closed, socket, this.#open.get(socket));
      this.#open.delete(socket);
    });
  }

  /** All there was so far. */
  read(): Bytes {
    const all = { ...this.#closed };
    for (const [socket, before] of this.#open) addSince(all, socket, before);
    return all;
  }
}

const toBytes = ({ bytesRead, bytesWritten }: Socket): Bytes => ({ in: bytesRead, out: bytesWritten });

function addSince(sum: Bytes, socket: Socket, before: Bytes = { in: 0, out: 0 }): void {
  const now = toBytes(socket);
  sum.in += now.in - before.in;
  sum.out += now.out - before.out;
}
