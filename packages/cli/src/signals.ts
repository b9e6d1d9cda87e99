// Ctrl-C and friends: the first asks to stop in order, the second stops at once.

const all = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** Exit code of a process that was stopped by hand [128 + SIGINT]. */
const interrupted = 130;

/** Aborts at the first of these signals, with its name as the reason; a second one ends the process. */
export function onSignal(signals: readonly NodeJS.Signals[] = all): AbortSignal {
  const asked = new AbortController();
  for (const signal of signals) {
    process.on(signal, () => {
      if (asked.signal.aborted) process.exit(interrupted);
      asked.abort(signal);
    });
  }
  return asked.signal;
}
