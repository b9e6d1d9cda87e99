// One connection through the link, as a Duplex with half-close both ways, at either end.
//
// It exists because an Http2Stream reports a reset as a plain end when the reset meets a half-closed stream. A direction
// has ended here only when its trailer said so; anything else destroys the stream with `connection_reset`, or with
// `link_lost` when the whole link went. Buffers: the HTTP/2 window before it, the usual high-water marks in it.
import type { Http2Session, Http2Stream } from 'node:http2';
import { Duplex } from 'node:stream';
import { cleanEnd, endTrailer } from './protocol.ts';
import { TunnelError } from './tunnel-error.ts';

/** How a stream is broken off. */
export type Reset = (stream: Http2Stream, error: Error | null) => void;

/** With an error: destroy() without one sends END_STREAM ahead of the reset. */
function destroyWithError(stream: Http2Stream, error: Error | null): void {
  stream.destroy(error ?? new Error('Reset by this end'));
}

function ignore(): void {}

type Done = (error?: Error | null) => void;

export class LinkStream extends Duplex {
  readonly #http2: Http2Stream;
  /** A closed stream no longer tells its session. */
  readonly #session: Http2Session | undefined;
  #receivedEnd = false;
  #sentEnd = false;
  readonly #reset: Reset;

  /** The HTTP/2 stream must have been begun with `waitForTrailers`. */
  constructor(stream: Http2Stream, reset: Reset = destroyWithError) {
    super({ allowHalfOpen: true, readableHighWaterMark: 256 * 1024, writableHighWaterMark: 256 * 1024 });
    this.#http2 = stream;
    this.#reset = reset;
    this.#session = stream.session;
    stream.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) stream.pause();
    });
    stream.pause();
    stream.on('trailers', (trailers) => {
      this.#receivedEnd = trailers[endTrailer] === cleanEnd;
    });
    stream.on('wantTrailers', () => {
      if (this.#sentEnd && !stream.destroyed) stream.sendTrailers({ [endTrailer]: cleanEnd });
    });
    stream.on('error', ignore);
    // A link may break while nobody listens, such as between two requests on a kept connection: no reason to end here.
    this.on('error', ignore);
    // Node may tell about the trailer behind the end it belongs to, so a missing one is judged a turn later.
    const ended = (): void => {
      if (this.#receivedEnd) this.push(null);
      else setImmediate(() => (this.#receivedEnd ? this.push(null) : this.#break()));
    };
    stream.once('end', ended);
    stream.once('close', () => {
      if (!this.#receivedEnd || !this.#sentEnd) setImmediate(() => this.#break());
    });
  }

  override _read(): void {
    this.#http2.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    this.#http2.write(chunk, done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: Done): void {
    this.#http2.cork();
    const last = chunks.length - 1;
    for (const [index, { chunk }] of chunks.entries()) this.#http2.write(chunk, index === last ? done : undefined);
    this.#http2.uncork();
  }

  override _final(done: Done): void {
    this.#sentEnd = true;
    this.#http2.end(() => done());
  }

  override _destroy(error: Error | null, done: Done): void {
    const complete = this.#sentEnd && this.#receivedEnd && this.readableEnded && this.writableFinished;
    if (!complete && !this.#http2.destroyed) this.#reset(this.#http2, error);
    done(error);
  }

  #break(): void {
    if (this.destroyed) return;
    const lost = this.#session === undefined || this.#session.destroyed;
    this.destroy(
      lost
        ? new TunnelError('link_lost', 'while this connection was open')
        : new TunnelError('connection_reset', 'by the other end of the tunnel'),
    );
  }
}
