// The TLS settings of an edge: checked against the certificate store, which in turn knows what uses it.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Control } from '@sallyport/control';
import type { TrustEntry } from '../config/trust.ts';
import { loadTrust } from '../config/edge-config.ts';
import { EdgeError } from '../errors.ts';
import type { OnTlsEvent } from './tls-event.ts';
import { type ExtraAuthority, TlsSettings } from './tls-settings.ts';

export interface OpenTlsSettingsOptions {
  entries: readonly TrustEntry[];
  control: Control;
  onEvent?: OnTlsEvent | undefined;
}

/** @throws EdgeError `certificate_unusable` naming the entry and what is wrong with it */
export function openTlsSettings({ entries, control, onEvent = () => {} }: OpenTlsSettingsOptions): TlsSettings {
  const settings = new TlsSettings({ entries, control: () => control, onEvent });
  const [trouble] = settings.troubles();
  if (trouble !== undefined) {
    const { who, error } = trouble;
    const { remedy } = error as { remedy?: string };
    throw new EdgeError('certificate_unusable', `${who}: ${error.message}`, { cause: error, remedy });
  }
  const forget = control.certificates.addUsers((id) => settings.usersOf(id));
  settings.onClose(forget);
  settings.start();
  return settings;
}

export interface OpenDevTlsOptions {
  /** The project's folder, where a `sallyport.toml` may be. */
  root: string;
  authorities: readonly ExtraAuthority[] | undefined;
  /** The store, once it is there. */
  control: () => Control | undefined;
  onEvent?: OnTlsEvent | undefined;
}

/**
 * The same for development, where the store comes later: `begin` is called then, and what is wrong is an event.
 * @throws ConfigurationError
 */
export async function openDevTls(options: OpenDevTlsOptions): Promise<TlsSettings & { begin: () => void }> {
  const { root, authorities, control, onEvent = () => {} } = options;
  const file = join(root, 'sallyport.toml');
  const exists = (await stat(file).catch(() => undefined)) !== undefined;
  const entries = exists ? await loadTrust(file) : [];
  const settings = new TlsSettings({ entries, extraAuthorities: authorities, control, onEvent });
  const begin = (): void => {
    for (const trouble of settings.troubles()) onEvent({ type: 'tls-unusable', ...trouble, kept: false });
    const forget = control()?.certificates.addUsers((id) => settings.usersOf(id));
    if (forget !== undefined) settings.onClose(forget);
    settings.start();
  };
  return Object.assign(settings, { begin });
}
