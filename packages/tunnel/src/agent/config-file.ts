// The configuration file while the connector runs: looked at every second, and on request. Polling, because it sees every way
// in which files are replaced (in place, by rename, by a changed symbolic link, on a network drive), and because a file is
// taken only once two looks in a row saw it the same: what an editor has half written is not a configuration.
import { readFileSync, statSync } from 'node:fs';
import type { Clock } from '@sallyport/egress';
import type { TunnelConfig } from '../ingress/config.ts';
import { maxConfigLength } from '../ingress/yaml-values.ts';
import { type ParsedConfig, parseTunnelConfig } from '../ingress/parse-config.ts';
import { TunnelError } from '../link/tunnel-error.ts';
import type { Log } from './log.ts';

/** Milliseconds between two looks. */
export const pollInterval = 1000;

export interface ConfigFileOptions {
  clock: Clock;
  log: Log;
  /** Puts a valid configuration to use; may throw a TunnelError, and then the old one stays. */
  apply: (config: TunnelConfig) => void;
  /** A file that was not applied. */
  refused: () => void;
}

export class ConfigFile {
  readonly #file: string;
  readonly #options: ConfigFileOptions;
  #text: string;
  /** What the file looked like when it was last read, and at the last look. */
  #read: string;
  #seen: string;
  #cancel: () => void = () => {};

  /** `text` is what is in use. */
  constructor(file: string, text: string, options: ConfigFileOptions) {
    this.#file = file;
    this.#text = text;
    this.#options = options;
    this.#read = this.#seen = look(file);
  }

  watch(): this {
    this.#cancel = this.#options.clock.after(pollInterval, () => {
      this.#poll();
      this.watch();
    });
    return this;
  }

  close(): void {
    this.#cancel();
  }

  /** Reads the file now. */
  reload(): void {
    const { log, apply, refused } = this.#options;
    this.#read = look(this.#file);
    try {
      const text = readConfig(this.#file);
      if (text === this.#text) return;
      const parsed = parseTunnelConfig(text, { file: this.#file, requireIngress: false });
      apply(toConfig(parsed, this.#file));
      this.#text = text;
      reportWarnings(parsed, log);
    } catch (error) {
      if (!(error instanceof TunnelError)) throw error;
      refused();
      const { detail, remedy } = error;
      log('error', 'The changed configuration is not used, the old one stays', { error: detail, remedy });
    }
  }

  #poll(): void {
    const now = look(this.#file);
    const settled = now === this.#seen;
    this.#seen = now;
    if (settled && now !== this.#read) this.reload();
  }
}

/** The text of the file. @throws TunnelError `invalid_config` */
export function readConfig(file: string): string {
  try {
    const { size } = statSync(file);
    // A character takes four bytes at most; the parser has the exact bound.
    if (size > maxConfigLength * 4) throw new TunnelError('invalid_config', `${file} has ${size} bytes`);
    return readFileSync(file, 'utf8');
  } catch (cause) {
    if (cause instanceof TunnelError) throw cause;
    throw new TunnelError('invalid_config', `${file} cannot be read: ${(cause as Error).message}`, { cause });
  }
}

/** @throws TunnelError `invalid_config` with the first problem and its place */
export function toConfig({ config, diagnostics }: ParsedConfig, file: string): TunnelConfig {
  if (config !== undefined) return config;
  const problem = diagnostics.find(({ severity }) => severity === 'error');
  const place = problem?.line === undefined ? file : `${file}:${problem.line}:${problem.column}`;
  throw new TunnelError('invalid_config', `${place}: ${problem?.message ?? 'it cannot be read'}`);
}

export function reportWarnings({ diagnostics }: ParsedConfig, log: Log): void {
  for (const { severity, message, file, line } of diagnostics) {
    if (severity === 'warning') log('warn', message, { file, line });
  }
}

/** Changes when the file does; the same for every way of not being there. */
function look(file: string): string {
  try {
    const { mtimeMs, ctimeMs, size, ino } = statSync(file);
    return [mtimeMs, ctimeMs, size, ino].join(':');
  } catch {
    return '';
  }
}
