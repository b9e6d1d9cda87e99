// The connection under a connector's HTTP/2 session, as one that takes every write at once.
//
// Node's HTTP/2 reads nothing while a write of its own is under way. With both ends doing that, two busy directions stop
// each other for ever: each waits for the other to read. So one end, this one, never waits. What it holds meanwhile is
// bounded by HTTP/2 itself: the edge gives credit for no more than its session window.
import { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { sessionWindow } from '../link/windows.ts';

/** Bytes that may wait here: a session window of data and as much of everything else. More is a peer that cheats. */
export const eagerLimit: number = 2 * sessionWindow;

type Done = (error?: Error | null) => void;

export class EagerSocket extends Duplex {
  readonly #socket: TLSSocket;

  constructor(socket: TLSSocket) {
    super({ allowHalfOpen: true, readableHighWaterMark: 256 * 1024 });
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) socket.pause();
    });
    socket.pause();
    socket.once('end', () => this.push(null));
    socket.once('close', () => this.destroy());
    socket.on('error', (error) => this.destroy(error));
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    this.#socket.write(chunk);
    done(this.#overflow());
  }

  override _writev(chunks: { chunk: Buffer }[], done: Done): void {
    this.#socket.cork();
    for (const { chunk } of chunks) this.#socket.write(chunk);
    this.#socket.uncork();
    done(this.#overflow());
  }

  override _final(done: Done): void {
    this.#socket.end(() => done());
  }

  override _destroy(error: Error | null, done: Done): void {
    this.#socket.destroy();
    done(error);
  }

  #overflow(): Error | null {
    if (this.#socket.writableLength <= eagerLimit) return null;
    return new Error(`The edge takes nothing: ${this.#socket.writableLength} bytes wait`);
  }
}
