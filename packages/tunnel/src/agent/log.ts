// The connector's log, as people know it from cloudflared: `2026-11-21T05:34:33Z INF Registered tunnel connection connIndex=0`,
// or one JSON object a line. Values may come from a Worker or a client, so control characters never reach a terminal.

export const logLevels = ['debug', 'info', 'warn', 'error', 'fatal'] as const;
export type LogLevel = (typeof logLevels)[number];
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** Takes what happened, and the values it happened with. */
export type Log = (level: LogLevel, message: string, fields?: LogFields) => void;

export interface LogOptions {
  write: (line: string) => void;
  /** The least level that is written; `info` by default. */
  level?: LogLevel | undefined;
  json?: boolean | undefined;
  now?: (() => Date) | undefined;
}

const short: Readonly<Record<LogLevel, string>> = {
  debug: 'DBG',
  info: 'INF',
  warn: 'WRN',
  error: 'ERR',
  fatal: 'FTL',
};

/** Longest text of one value, in characters. */
const maxValue = 2000;

export const noLog: Log = () => {};

export function createLog({ write, level = 'info', json = false, now = () => new Date() }: LogOptions): Log {
  const least = logLevels.indexOf(level);
  return (at, message, fields = {}) => {
    if (logLevels.indexOf(at) < least) return;
    const time = now()
      .toISOString()
      .replace(/\.\d+Z$/, 'Z');
    const given = Object.entries(fields).filter(([, value]) => value !== undefined);
    if (json) write(`${JSON.stringify({ level: at, ...Object.fromEntries(given), time, message })}\n`);
    else write(`${[time, short[at], clean(message), ...given.map(toPair)].join(' ')}\n`);
  };
}

function toPair([name, value]: [string, string | number | boolean | undefined]): string {
  const text = String(value);
  return `${name}=${/^[\w.:/@[\]+-]+$/.test(text) ? text.slice(0, maxValue) : JSON.stringify(clean(text))}`;
}

function clean(text: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what is taken out
  return text.slice(0, maxValue).replace(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e]+/g, ' ');
}
