// Certificates in files, and settings that are read from a sallyport.toml.
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Certificate } from '@sallyport/testkit';
import type { Control } from '@sallyport/control';
import { loadTrust } from '../../src/config/edge-config.ts';
import type { TlsEvent } from '../../src/tls/tls-event.ts';
import { TlsSettings } from '../../src/tls/tls-settings.ts';
import { temporaryFolder, writeFiles } from '../support/dev-bench.ts';
import { Recorder } from '../support/recorder.ts';

export interface SettingsBench {
  folder: string;
  settings: TlsSettings;
  events: Recorder<TlsEvent>;
  write(files: Record<string, string>): Promise<void>;
  /** Another sallyport.toml; resolves with its path. */
  writeToml(text: string): Promise<string>;
}

/** Keys end in `.key` and are their owner's alone. */
export async function writePrivate(folder: string, files: Record<string, string>): Promise<void> {
  await writeFiles(folder, files);
  for (const name of Object.keys(files)) if (name.endsWith('.key')) await chmod(join(folder, name), 0o600);
}

export async function startSettings(
  t: TestContext,
  toml: string,
  files: Record<string, string>,
  options: { control?: Control; now?: () => number } = {},
): Promise<SettingsBench> {
  const folder = await temporaryFolder(t);
  await writePrivate(folder, { ...files, 'sallyport.toml': toml });
  const entries = await loadTrust(join(folder, 'sallyport.toml'));
  const events = new Recorder<TlsEvent>();
  const { control, now } = options;
  const settings = new TlsSettings({
    entries,
    control: () => control,
    onEvent: events.add,
    ...(now === undefined ? {} : { now }),
  });
  t.after(() => settings.close());
  return {
    folder,
    settings,
    events,
    write: (changed) => writePrivate(folder, changed),
    async writeToml(text) {
      await writeFiles(folder, { 'sallyport.toml': text });
      return join(folder, 'sallyport.toml');
    },
  };
}

/** As the two files of a client certificate. */
export function toFiles(name: string, { cert, key }: Certificate): Record<string, string> {
  return { [`${name}.pem`]: cert, [`${name}.key`]: key };
}
