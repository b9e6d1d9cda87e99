// SASLprep [RFC 4013] as PostgreSQL applies it to passwords: what it cannot prepare, it takes as it is.

/** Other spaces, which become a space [RFC 3454 C.1.2]. */
const otherSpaces = /[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000]/gu;
/** What becomes nothing [RFC 3454 B.1]. */
const nothing = /\u00ad|\u034f|\u1806|\u180b|\u180c|\u180d|\u200c|\u200d|\u2060|[\ufe00-\ufe0f]|\ufeff/gu;
/** Control, private, surrogate, tagging characters and the like [RFC 3454 C.2 to C.9]. */
const prohibited =
  /[\p{Cc}\p{Co}\p{Cs}\p{Noncharacter_Code_Point}\u0340\u0341\u06dd\u070f\u180e\u200e\u200f\u2028-\u202e\u2061-\u2063\u206a-\u206f\u2ff0-\u2ffb\ufff9-\ufffd\u{1d173}-\u{1d17a}\u{e0001}\u{e0020}-\u{e007f}]/u;

/** The password both sides of a SCRAM exchange hash. */
export function toPrepared(password: string): string {
  // eslint-disable-next-line no-control-regex -- printable ASCII is what stays as it is
  if (/^[\x20-\x7e]*$/.test(password)) return password;
  const prepared = password.replace(otherSpaces, ' ').replace(nothing, '').normalize('NFKC');
  return prepared === '' || prohibited.test(prepared) ? password : prepared;
}
