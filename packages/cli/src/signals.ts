// Ctrl-C and friends: the first asks to stop in order, the second stops at once.

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** Exit code of a process that was stopped by hand [128 + SIGINT]. */
const interrupted = 130;

/** Aborts at the first signal; a second one ends the process. */
export function onSignal(): AbortSignal {
  const asked = new AbortController();
  for (const signal of signals) {
    process.on(signal, () => {
      if (asked.signal.aborted) process.exit(interrupted);
      asked.abort();
    });
  }
  return asked.signal;
}
