// The three servers at the far end, and the three ports a way offers for them at the near end.

export interface Ports {
  /** Reads eight bytes, a length, sends that many and ends. */
  source: number;
  /** Reads eight bytes, a length, then that many, and answers how long they took to come. */
  sink: number;
  /** Sends back what it gets. */
  echo: number;
}

export const portNames = ['source', 'sink', 'echo'] as const satisfies readonly (keyof Ports)[];

export const host = '127.0.0.1';

/** Several addresses of the echo server, so that connections in TIME_WAIT do not use up the local ports. */
export const echoHosts: readonly string[] = [host, ...Array.from({ length: 9 }, (_, index) => `127.0.0.${index + 2}`)];
