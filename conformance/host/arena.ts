// Everything a run of the suite needs, started and stopped together.
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeBinary, startPeer } from '@sallyport/testkit';
import { startBlackHole } from './black-hole.ts';
import { Certificates } from './certificates.ts';
import { Control } from './control.ts';
import { buildGuests } from './guest-modules.ts';
import { startOracle } from './oracle.ts';
import { startOurNode } from './our-node.ts';
import { startOurWorker } from './our-worker.ts';
import type { Subject } from './subject.ts';
import type { SuiteParts } from './suite.ts';

export const subjectNames = ['workerd', 'worker', 'node20', 'node22', 'node24'] as const;
export type SubjectName = (typeof subjectNames)[number];

/** The Node of this process, as a subject. */
export function currentNode(): SubjectName {
  const name = `node${process.versions.node.split('.')[0]}`;
  return subjectNames.find((known) => known === name) ?? 'node22';
}

export interface Arena extends SuiteParts, AsyncDisposable {}

/** Starts the named subjects and what they talk to. */
export async function startArena(names: readonly SubjectName[]): Promise<Arena> {
  const folder = await mkdtemp(join(tmpdir(), 'conformance-'));
  const open: AsyncDisposable[] = [];
  const keep = async <Resource extends AsyncDisposable>(starting: Promise<Resource>): Promise<Resource> => {
    const resource = await starting;
    open.push(resource);
    return resource;
  };
  const close = async (): Promise<void> => {
    await Promise.all(open.map((resource) => resource[Symbol.asyncDispose]()));
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const [certificates, modules, control, blackHole, own] = await Promise.all([
      Certificates.create(),
      buildGuests(),
      keep(Control.start()),
      keep(startBlackHole()),
      keep(startPeer('echo')),
    ]);
    const start = async (name: SubjectName): Promise<Subject> => {
      const its = join(folder, name);
      await mkdir(its);
      if (name === 'workerd') return startOracle(its, { certificates, modules });
      if (name === 'worker') return startOurWorker(its, { certificates, loopPort: own.port });
      const version = name.slice('node'.length);
      return startOurNode(its, { version, binary: await nodeBinary(version), certificates, modules });
    };
    const subjects = await Promise.all(names.map((name) => keep(start(name))));
    const ownListener = { host: own.host, port: own.port, address: own.address };
    const shared = { certificates, blackHole, ownListener };
    return { subjects, control, shared, [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}
