// What a Worker and its runtime have to say, one value a line.

export type LogLevel = 'debug' | 'log' | 'info' | 'warn' | 'error';

/** Something a handler threw, with positions in the user's sources. */
export interface RuntimeException {
  /** The handler (`fetch`, `alarm`, …), `waitUntil`, or `unhandledrejection`. */
  event: string;
  name: string;
  message: string;
  /** Absent when something other than an Error was thrown. */
  stack?: string;
  /** The error's own `code` and `remedy`, as our socket errors carry them. */
  code?: string;
  remedy?: string;
  /** The error says that trying again may help: a connection failed. */
  retryable?: boolean;
  cause?: Omit<RuntimeException, 'event'>;
}

export interface RuntimeLog {
  /** `console`: the Worker logged; `exception`: a handler threw; `runtime`: workerd itself. */
  kind: 'console' | 'exception' | 'runtime';
  level: LogLevel;
  /** As a person reads it: an exception's stack, and those of its causes. */
  message: string;
  /** Milliseconds since 1970. */
  time: number;
  /** Present when `kind` is `exception`. */
  exception?: RuntimeException;
}
