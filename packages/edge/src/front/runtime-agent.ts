// Connections to a runtime's unix socket, kept for a moment between requests.
//
// A unix socket with a full queue refuses at once with EAGAIN, where TCP would wait: after a reload a thousand waiting
// requests come in the same instant. Nothing was sent then, so connecting again is safe for every request.
import { Agent, type ClientRequestArgs } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** Milliseconds an idle connection is kept: well below the 5 s after which the runtime closes it. */
const idleTimeout = 1_000;
/** Milliseconds between two attempts, and how many there are: 5 s together. */
const retryDelay = 10;
const maxAttempts = 500;

type Written = (error?: Error | null) => void;

/**
 * A connection that can still be read when it can no longer be written: a Worker may answer without reading the body,
 * and then hangs up. Node destroys a socket on the first failed write, and the answer with it. What is written later
 * goes nowhere; whether the runtime is gone altogether is for the reading side to find out.
 */
// oxlint-disable no-underscore-dangle -- these are the names of Node's stream implementation
class RuntimeSocket extends Socket {
  #deaf = false;

  override _write(chunk: unknown, encoding: BufferEncoding, done: Written): void {
    if (this.#deaf) done();
    else super._write(chunk, encoding, this.#forgiving(done));
  }

  override _writev(chunks: { chunk: unknown; encoding: BufferEncoding }[], done: Written): void {
    if (this.#deaf) done();
    else super._writev!(chunks, this.#forgiving(done));
  }

  #forgiving(done: Written): Written {
    return (error) => {
      if (error != null) this.#deaf = true;
      done();
    };
  }
}

type Callback = (error: Error | null, stream: Duplex) => void;

export class RuntimeAgent extends Agent {
  constructor() {
    super({ keepAlive: true, timeout: idleTimeout });
  }

  override createConnection(options: ClientRequestArgs, callback?: Callback): undefined {
    dial(String(options.socketPath)).then(
      (socket) => callback?.(null, socket),
      (error: Error) => callback?.(error, undefined as unknown as Duplex),
    );
    return undefined;
  }
}

async function dial(path: string): Promise<Socket> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await dialOnce(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN' || attempt === maxAttempts) throw error;
      await new Promise((resolve) => setTimeout(resolve, retryDelay));
    }
  }
}

function dialOnce(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = new RuntimeSocket();
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
    socket.connect(path);
  });
}
