// What an operator is told about certificates while an edge runs.

export type TlsEvent =
  /** Other contents are used for new connections. */
  | { type: 'tls-changed'; who: string; files: readonly string[] }
  /** What is there now cannot be used; what was there before still is, if anything was. */
  | { type: 'tls-unusable'; who: string; error: Error; kept: boolean }
  /** A certificate ends soon, or has ended. */
  | { type: 'tls-expiring'; source: string; use: 'authority' | 'client'; name: string; daysLeft: number };

export type OnTlsEvent = (event: TlsEvent) => void;
