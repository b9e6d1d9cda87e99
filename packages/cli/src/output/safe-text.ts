// Text that Workers, clients and servers wrote, made safe to print: it must not move the cursor, retitle the window or
// overwrite what was printed before.

/** A colour (SGR) sequence, or a single control character other than newline and tab. */
// oxlint-disable-next-line no-control-regex -- finding control characters is the point
const controls = /\u001b\[[\d;:]*m|[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/** Several lines, which may be coloured where colours are shown. */
export function toSafeText(text: string, { color }: { color: boolean }): string {
  const replace = (found: string): string => {
    if (found.length === 1) return '?';
    return color ? found : '';
  };
  return text.replaceAll('\r\n', '\n').replace(controls, replace);
}

/** One line, without any colour. OpenSSL's messages end in a newline, which says nothing. */
export function toSafeLine(text: string): string {
  return toSafeText(text, { color: false })
    .replace(/\n+$/, '')
    .replace(/[\n\t]/g, '?');
}
