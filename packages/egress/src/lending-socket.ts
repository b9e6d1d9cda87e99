// A TCP socket whose reads can be lent: the one who takes them says when the memory is free, and it is read into again.
// Otherwise every read is new memory that is collected late, which makes tens of MiB of a long answer at full speed.
import { Socket } from 'node:net';

/** Bytes of one read, as Node has it. */
const readSize = 65_536;
/** Buffers of one socket that wait for their reader at a time; more are left to the garbage collector. */
const maxLent = 3;

/** What became of lent bytes: nobody has them; somebody has until `settle()`; they are never given back. */
export type LentOutcome = 'done' | 'later' | 'kept';

export type TakeLent = (bytes: Buffer) => LentOutcome;

/** Until somebody takes its reads, it is like any other socket. */
export class LendingSocket extends Socket {
  readonly #reads: Reads;

  constructor() {
    const reads = new Reads();
    super({
      allowHalfOpen: true,
      noDelay: true,
      onread: { buffer: () => reads.next(), callback: (length: number) => reads.came(length) },
    } as ConstructorParameters<typeof Socket>[0]);
    this.#reads = reads;
    reads.socket = this;
  }

  /** From now on reads go to `take`, where nothing is buffered and the socket flows; otherwise to 'data', as copies. */
  lendTo(take: TakeLent): void {
    this.#reads.take = take;
  }

  /** Nobody has any bytes that were lent: they are read into again. */
  settle(): void {
    this.#reads.settle();
  }

  /** What is lent is never given back, and what is free is not needed soon. */
  forget(): void {
    this.#reads.forget();
  }
}

class Reads {
  socket!: Socket;
  take: TakeLent | undefined;
  #current: Buffer | undefined;
  #lent: Buffer[] = [];
  #free: Buffer[] = [];

  next(): Buffer {
    return (this.#current ??= this.#free.pop() ?? Buffer.allocUnsafeSlow(readSize));
  }

  /** Whether to read on. */
  came(length: number): boolean {
    const { socket } = this;
    const buffer = this.#current!;
    const bytes = buffer.subarray(0, length);
    // What comes in order stays in order: bytes that wait in the stream go first.
    if (this.take === undefined || socket.readableLength > 0 || socket.readableFlowing !== true) {
      return socket.push(Buffer.from(bytes));
    }
    // Until it is known, the buffer belongs to nobody here: the taker may call `settle()` and `forget()`.
    this.#current = undefined;
    const outcome = this.take(bytes);
    if (outcome === 'done') {
      this.settle();
      this.#current = buffer;
    } else if (outcome === 'later' && this.#lent.length < maxLent) this.#lent.push(buffer);
    return !socket.isPaused();
  }

  settle(): void {
    this.#free.push(...this.#lent.splice(0));
  }

  forget(): void {
    this.#lent = [];
    this.#free = [];
  }
}
