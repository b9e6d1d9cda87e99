// A temporary project folder for a test, and short ways to load and look at it.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { loadProject, type LoadedProject, type LoadProjectOptions } from '../../src/config/load-project.ts';
import type { Diagnostic, Project } from '../../src/project.ts';

export type Files = Record<string, string | Uint8Array | object>;

/** Writes `files` (objects as JSON) into a new folder that is removed after the test. */
export async function createFolder(t: TestContext, files: Files): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'sallyport-config-')));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await writeFiles(folder, files);
  return folder;
}

export async function writeFiles(folder: string, files: Files): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    const isData = typeof content === 'string' || content instanceof Uint8Array;
    await writeFile(join(folder, name), isData ? content : JSON.stringify(content, undefined, 2));
  }
}

/** A configuration that has nothing to complain about. */
export const plain: { name: string; main: string; compatibility_date: string } = {
  name: 'shop',
  main: 'index.js',
  compatibility_date: '2026-01-01',
};

type LoadOptions = Partial<LoadProjectOptions>;

/** Loads the project of a new folder that holds `files` and an entry module. */
export async function load(t: TestContext, files: Files, options: LoadOptions = {}): Promise<LoadedProject> {
  const folder = await createFolder(t, { 'index.js': 'export default {};', ...files });
  return loadIn(folder, options);
}

export function loadIn(folder: string, options: LoadOptions = {}): Promise<LoadedProject> {
  return loadProject({ cwd: folder, processEnv: {}, now: () => new Date('2026-11-21T12:00:00Z'), ...options });
}

/** The project, which has to be without errors. */
export async function loadGood(t: TestContext, files: Files, options: LoadOptions = {}): Promise<Project> {
  const { project, diagnostics } = await load(t, files, options);
  assert.deepEqual(diagnostics, []);
  assert.ok(project !== undefined);
  return project;
}

/** Diagnostics as `severity code line`, the shape most tests compare. */
export function summarize(diagnostics: readonly Diagnostic[]): string[] {
  return diagnostics.map(({ severity, code, line }) => `${severity} ${code}${line === undefined ? '' : ` ${line}`}`);
}
