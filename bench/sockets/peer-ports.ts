// What the peer process says about itself, and where its echo server listens.

export interface PeerPorts {
  /** Sends the given number of bytes, then ends. */
  source: number;
  /** Reads everything, and ends when the other side has. */
  sink: number;
  /** Sends back what it gets. Listens on all of `echoHosts`. */
  echo: number;
  /** Accepts and never reads. */
  stalled: number;
}

/** Several addresses of one server, so that connections in TIME_WAIT do not use up the local ports. */
export const echoHosts: readonly string[] = Array.from({ length: 10 }, (_, index) => `127.0.0.${index + 2}`);
