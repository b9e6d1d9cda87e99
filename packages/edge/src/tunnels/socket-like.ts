// Gives a byte stream the few methods of `net.Socket` that Node's HTTP client calls on every connection it keeps.
import type { Duplex } from 'node:stream';

export interface SocketLike {
  /** Milliseconds; 0 for none. Node's agent compares it. */
  timeout: number;
  setTimeout(milliseconds: number, listener?: () => void): this;
  setNoDelay(): this;
  setKeepAlive(): this;
  ref(): this;
  unref(): this;
}

/** Adds them to the stream itself. `timeout` is emitted each time the stream was left alone for that long. */
export function toSocketLike<Stream extends Duplex>(stream: Stream): Stream & SocketLike {
  let timer: NodeJS.Timeout | undefined;
  const same = (): typeof socket => socket;
  const socket: Stream & SocketLike = Object.assign(stream, {
    timeout: 0,
    setTimeout(milliseconds: number, listener?: () => void) {
      clearInterval(timer);
      socket.timeout = milliseconds;
      if (milliseconds > 0) timer = setInterval(() => stream.emit('timeout'), milliseconds).unref();
      // As `net.Socket` has it: no time limit, no listener. Node's client takes its own away like this, once a request.
      if (listener !== undefined) stream[milliseconds > 0 ? 'once' : 'off']('timeout', listener);
      return socket;
    },
    setNoDelay: same,
    setKeepAlive: same,
    ref: same,
    unref: same,
  });
  stream.once('close', () => clearInterval(timer));
  return socket;
}
