// Ends an HTTP/2 session from wherever one finds out that it is over.
import type { Http2Session } from 'node:http2';
import type { Duplex } from 'node:stream';

/**
 * A turn later: most callbacks come from inside nghttp2, and a session that is destroyed there sends empty frames of a
 * closed stream into memory for ever (Node 20). And its connection with it: a session that was reset while it still had
 * to write something waits for that for ever, and never emits `close` (Node 20).
 */
export function destroySession(session: Http2Session, connection: Duplex): void {
  setImmediate(() => {
    session.destroy();
    connection.destroy();
  });
}
