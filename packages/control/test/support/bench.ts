// A control over a real store in a folder of its own, ended with the test.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import {
  type Control,
  ControlError,
  type ControlErrorCode,
  type ControlOptions,
  type ControlStore,
  startControl,
  startKeyRing,
  startSqliteStore,
} from '../../src/index.ts';

export async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-control-'));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

export interface Bench {
  control: Control;
  store: ControlStore;
  folder: string;
}

/** Another control over the folder's store, as another process would have. */
export async function openControl(
  t: TestContext,
  folder: string,
  options: Partial<ControlOptions> & { keyFile?: string; history?: number } = {},
): Promise<Bench> {
  const { keyFile = join(folder, 'key'), history, ...rest } = options;
  const file = join(folder, 'control.db');
  const store = startSqliteStore({ file, pollInterval: 5, ...(history === undefined ? {} : { history }) });
  const keys = startKeyRing({ file: keyFile });
  const control = await startControl({ store, keys, ...rest });
  t.after(async () => {
    await control.close();
    await store.close();
  });
  return { control, store, folder };
}

export async function createBench(t: TestContext, options: Partial<ControlOptions> = {}): Promise<Bench> {
  return openControl(t, await temporaryFolder(t), options);
}

/** Whether an error is ours and has this code; for `assert.rejects`. */
export function code(wanted: ControlErrorCode, text?: string | RegExp): (error: unknown) => boolean {
  return (error) => {
    if (!(error instanceof ControlError) || error.code !== wanted) return false;
    return text === undefined || (typeof text === 'string' ? error.message.includes(text) : text.test(error.message));
  };
}

/** A store that lets something else happen before its nth write. */
export function interrupted(store: ControlStore, at: number, happen: () => Promise<void>): ControlStore {
  let writes = 0;
  const step = async (): Promise<void> => {
    writes += 1;
    if (writes === at) await happen();
  };
  return {
    get: (key) => store.get(key),
    list: (prefix) => store.list(prefix),
    revision: () => store.revision(),
    watch: (options) => store.watch(options),
    close: () => store.close(),
    async put(key, value, options) {
      await step();
      return store.put(key, value, options);
    },
    async delete(key, options) {
      await step();
      return store.delete(key, options);
    },
  };
}
