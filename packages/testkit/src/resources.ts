// Resources that end with the test that made them: `const peer = await use(t, startPeer('echo'))`.
//
// The `await using` syntax says the same, but Node 20 cannot parse it.

/** The part of node:test's context that is needed; suites that use `before`/`after` can pass `{ after }`. */
export interface TestScope {
  after(hook: () => Promise<void> | void): void;
}

/** Waits for the resource and disposes of it when the test ends, however it ends. */
export async function use<Resource extends AsyncDisposable | Disposable>(
  scope: TestScope,
  resource: Resource | Promise<Resource>,
): Promise<Resource> {
  const ready = await resource;
  scope.after(async () => {
    if (Symbol.asyncDispose in ready) await ready[Symbol.asyncDispose]();
    else ready[Symbol.dispose]();
  });
  return ready;
}

/** Everything that keeps this process alive now, as `process.getActiveResourcesInfo()` names it, without the pipes. */
function handles(): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of process.getActiveResourcesInfo()) {
    if (name === 'PipeWrap' || name === 'TTYWrap' || name === 'Immediate') continue;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}

/**
 * Runs an action and returns what it left open: names of handles, one per handle, that were not there before. Closing
 * takes the event loop a few turns, so it looks again for up to 100 turns before it calls a handle left.
 */
export async function leftOpenBy(action: () => Promise<void>): Promise<string[]> {
  const before = handles();
  await action();
  let left: string[] = [];
  for (let turn = 0; turn < 100; turn += 1) {
    await new Promise<void>((resolve) => setImmediate(resolve));
    left = [...handles()].flatMap(([name, count]) =>
      Array.from({ length: Math.max(0, count - (before.get(name) ?? 0)) }, () => name),
    );
    if (left.length === 0) return left;
  }
  return left;
}
