// Our Socket as the Node stream that drivers take instead of dialling: a Duplex with the calls of `net.Socket` they make.
import { Duplex } from 'node:stream';
import type { Connect, SecureTransport, Socket } from '@sallyport/sockets';

/** Makes a driver's stream; with `secure`, TLS is our Socket's and the driver believes the connection plain. */
export type OpenStream = (to?: { host: string; port: number; secure?: boolean }) => SocketStream;

export class SocketStream extends Duplex {
  readonly #connect: Connect;
  #socket: Socket | undefined;
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #writer: WritableStreamDefaultWriter<ArrayBufferView | ArrayBuffer> | undefined;
  #ready: (() => void) | undefined;

  constructor(connect: Connect) {
    super({ allowHalfOpen: false });
    this.#connect = connect;
  }

  get connecting(): boolean {
    return this.#ready !== undefined || this.#socket === undefined;
  }

  /** As `net.Socket` has it; `secureTransport` is ours. */
  connect(port: number, host: string, secureTransport: SecureTransport = 'off'): this {
    const socket = this.#connect({ hostname: host, port }, { secureTransport, allowHalfOpen: true });
    this.#socket = socket;
    socket.closed.catch((error: Error) => this.destroy(error));
    socket.opened.then(
      () => {
        this.#reader = socket.readable.getReader();
        this.#writer = socket.writable.getWriter();
        this.#writer.closed.catch(() => {});
        this.#reader.closed.catch(() => {});
        this.emit('connect');
        this.emit('ready');
        const ready = this.#ready;
        this.#ready = undefined;
        ready?.();
      },
      (error: Error) => this.destroy(error),
    );
    return this;
  }

  /** Runs now, or when the connection is up. */
  #whenReady(action: () => void): void {
    if (this.#reader !== undefined) return action();
    const before = this.#ready;
    this.#ready = () => {
      before?.();
      action();
    };
  }

  override _read(): void {
    this.#whenReady(() => {
      this.#reader!.read().then(
        ({ done, value }) => this.push(done ? null : value),
        (error: Error) => this.destroy(error),
      );
    });
  }

  override _write(chunk: Uint8Array, _: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#whenReady(() => void this.#writer!.write(chunk).then(() => done(), done));
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#whenReady(() => void this.#writer!.close().then(() => done(), done));
  }

  override _destroy(reason: Error | null, done: (error?: Error | null) => void): void {
    void this.#close().then(() => done(reason));
  }

  async #close(): Promise<void> {
    await this.#socket?.close();
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  setTimeout(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }
}

export function createOpenStream(connect: Connect): OpenStream {
  return (to) => {
    const stream = new SocketStream(connect);
    return to === undefined ? stream : stream.connect(to.port, to.host, to.secure === true ? 'on' : 'off');
  };
}
