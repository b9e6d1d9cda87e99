// Credentials files, `<uuid>.json`: cloudflared's fields, and two of ours.
import { checkCredentials, type FieldNames, invalid, maxCredentialsLength, parseObject } from './credentials.ts';
import type { TunnelCredentials } from './credentials.ts';

const names: FieldNames = {
  accountTag: 'AccountTag',
  tunnelId: 'TunnelID',
  tunnelName: 'TunnelName',
  secret: 'TunnelSecret',
  ca: 'EdgeCA',
  edges: 'Edges',
};

/** The text of the file, ending in a line break. */
export function toCredentialsFile(credentials: TunnelCredentials): string {
  const { accountTag, tunnelId, tunnelName, secret, ca, edges } = credentials;
  const content = {
    AccountTag: accountTag,
    TunnelSecret: Buffer.from(secret).toString('base64'),
    TunnelID: tunnelId,
    ...(tunnelName === undefined ? {} : { TunnelName: tunnelName }),
    EdgeCA: ca,
    Edges: edges,
  };
  return `${JSON.stringify(content, null, 2)}\n`;
}

/**
 * Reads the text of a credentials file; `file` is named in messages.
 * @throws TunnelError `invalid_credentials` that says what is wrong and nothing of what is in it.
 */
export function parseCredentialsFile(text: string, file: string): TunnelCredentials {
  const subject = `The credentials file ${file}`;
  if (text.length > maxCredentialsLength) throw invalid(`${subject} is longer than ${maxCredentialsLength} characters`);
  if (text.trim() === '') throw invalid(`${subject} is empty`);
  const { AccountTag, TunnelSecret, TunnelID, TunnelName, EdgeCA, Edges } = parseObject(text, subject);
  const raw = {
    accountTag: AccountTag,
    tunnelId: TunnelID,
    tunnelName: TunnelName,
    secret: TunnelSecret,
    ca: EdgeCA,
    edges: Edges,
  };
  return checkCredentials(raw, { subject, names });
}
