// Ends an HTTP/2 session from wherever one finds out that it is over.
import type { Http2Session } from 'node:http2';

/**
 * A turn later: most callbacks come from inside nghttp2, and a session that is destroyed there sends empty frames of a
 * closed stream into memory for ever (Node 20).
 */
export function destroySession(session: Http2Session, then?: () => void): void {
  setImmediate(() => {
    session.destroy();
    then?.();
  });
}
