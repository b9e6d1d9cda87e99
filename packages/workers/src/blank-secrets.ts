// Blanks what must not be seen in a line that is shown: diagnostics go to terminals, logs and screenshots.
//
// Character for character, so that a caret stays under its column. Rather too much is blanked than too little: the line
// may be one with a syntax error, so where a string ends is a guess.

/** The value of `localConnectionString`, in JSON and TOML; to the end of the line when it does not end. */
const localString = /(localConnectionString["']?\s*[:=]\s*)("""|'''|"(?:[^"\\]|\\.)*"?|'[^']*'?|[^\s,}]+)/gi;
/** The password in `://user:password@`, up to the last `@`: a password may hold one. */
const inUrl = /(:(?:\\?\/){2}[^\s"'@/:]*:)(.*)(?=@)/g;
const asParameter = /([?&](?:ssl)?password=)([^&\s"']+)/gi;

/** A line of somebody's file. */
export function blankSecrets(line: string): string {
  return blankUrls(line).replace(localString, blankInside);
}

/** A sentence of ours, which may name a value. */
export function blankUrls(text: string): string {
  return text.replace(inUrl, blank).replace(asParameter, blank);
}

function blank(_: string, before: string, secret: string): string {
  return before + '*'.repeat(secret.length);
}

/** The quotes stay, so that one sees what kind of value it is. */
function blankInside(_: string, before: string, value: string): string {
  return before + value.replace(/[^"']/g, '*');
}
