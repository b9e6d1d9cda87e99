// Who may talk to the control API: whoever has the token.
import { createHash, timingSafeEqual } from 'node:crypto';

/** Whether a header is `Bearer` and the token, in a time that says nothing about how much of it is right. */
export function createAuthorize(token: string): (header: string | undefined) => boolean {
  if (token.length < 16) throw new TypeError('the token of the control API has fewer than 16 characters');
  const right = digest(token);
  return (header = '') => {
    const [, given] = /^bearer +(\S+) *$/i.exec(header) ?? [];
    const same = timingSafeEqual(digest(given ?? ''), right);
    return given !== undefined && same;
  };
}

/** Of one length, whatever was sent. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
