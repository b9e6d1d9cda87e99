// Module rules' globs as regular expressions: `*` within a path segment, `**` across segments, `?` literally, as wrangler
// reads them. The expressions stay within what esbuild's filters (Go) understand.

function toPattern(glob: string): string {
  return glob.replace(/\*\*\/|\*\*|\*|[^*]+/g, (part) => {
    if (part === '**/') return '(?:.*/)?';
    if (part === '**') return '.*';
    if (part === '*') return '[^/]*';
    return part.replace(/[.?+^$(){}|[\]\\]/g, String.raw`\$&`);
  });
}

/** One expression for all the globs of a rule. */
export function fromGlobs(globs: readonly string[]): RegExp {
  return new RegExp(`^(?:${globs.map((glob) => toPattern(glob)).join('|')})$`);
}
