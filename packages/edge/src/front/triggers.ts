// The URLs that fire events by hand, as wrangler's local mode has them.
const prefixes = ['/cdn-cgi/handler/', '/__scheduled'];

/** True for a request that goes to the runtime's trigger service instead of the Worker's `fetch()`. */
export function isTrigger(target: string): boolean {
  return prefixes.some((prefix) => target.startsWith(prefix));
}
