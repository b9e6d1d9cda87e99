// Whether to colour what is printed.

/** True for a terminal, unless its user does not want colours [no-color.org]. */
export function usesColor(
  stream: { isTTY?: boolean },
  environment: Record<string, string | undefined> = process.env,
): boolean {
  return stream.isTTY === true && (environment['NO_COLOR'] ?? '') === '' && environment['TERM'] !== 'dumb';
}
