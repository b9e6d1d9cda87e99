// The URLs that fire events by hand, as wrangler's local mode has them.
const pattern = /^(?:\/cdn-cgi\/handler\/|\/__scheduled(?:\?|$))/;

/** True for a path that goes to the runtime's trigger service instead of the Worker's `fetch()`. */
export function isTrigger(path: string): boolean {
  return pattern.test(path);
}
