// Tokens: everything a connector needs in one line, as `sallyport tunnel token` prints it. cloudflared's letters, and two
// fields of ours.
import { checkCredentials, type FieldNames, invalid, maxCredentialsLength, parseObject } from './credentials.ts';
import type { TunnelCredentials } from './credentials.ts';

const subject = 'The token';
const names: FieldNames = { accountTag: 'a', tunnelId: 't', tunnelName: 'n', secret: 's', ca: 'ca', edges: 'e' };

/** Base64 of JSON: `a` account, `t` tunnel, `s` secret, `n` name, `ca` the edge's certificate, `e` its addresses. */
export function encodeToken({ accountTag, tunnelId, tunnelName, secret, ca, edges }: TunnelCredentials): string {
  const s = Buffer.from(secret).toString('base64');
  const named = tunnelName === undefined ? {} : { n: tunnelName };
  return Buffer.from(JSON.stringify({ a: accountTag, t: tunnelId, s, ...named, ca, e: edges })).toString('base64');
}

/**
 * Reads a token; white space in it, as terminals put it there, is ignored.
 * @throws TunnelError `invalid_credentials` that says what is wrong and nothing of what is in it.
 */
export function decodeToken(text: string): TunnelCredentials {
  if (text.length > maxCredentialsLength) throw invalid(`${subject} is longer than ${maxCredentialsLength} characters`);
  const compact = text.replace(/\s+/g, '');
  if (compact === '') throw invalid(`${subject} is empty`);
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(compact))
    throw invalid(`${subject} holds a character that base64 does not have`);
  const { a, t, s, n, ca, e } = parseObject(Buffer.from(compact, 'base64').toString('utf8'), subject);
  const raw = { accountTag: a, tunnelId: t, tunnelName: n, secret: s, ca, edges: e };
  return checkCredentials(raw, { subject, names });
}
