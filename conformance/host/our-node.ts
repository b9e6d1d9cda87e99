// Our Socket on one version of Node: a child process that runs the cases.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { NodeSetup } from '../guest/node-entry.ts';
import type { Certificates } from './certificates.ts';
import type { GuestModules } from './guest-modules.ts';
import type { Subject } from './subject.ts';

interface Answer {
  run: string;
  observation: unknown;
}

export async function startOurNode(
  folder: string,
  parts: { version: string; binary: string; certificates: Certificates; modules: GuestModules },
): Promise<Subject> {
  const { version, binary, certificates, modules } = parts;
  const file = join(folder, 'node-cases.mjs');
  await writeFile(file, modules.node);
  const child: ChildProcess = fork(file, { execPath: binary, execArgv: [], env: {} });
  const waiting = new Map<string, (observation: unknown) => void>();
  const setup: NodeSetup = { ca: certificates.ca, client: certificates.client };
  child.send(setup);
  await once(child, 'message');
  child.on('message', ({ run, observation }: Answer) => {
    waiting.get(run)?.(observation);
    waiting.delete(run);
  });
  let ended = false;
  child.once('exit', (code, signal) => {
    ended = true;
    for (const resolve of waiting.values()) resolve({ crashed: `Node ended: ${code ?? signal}` });
  });
  return {
    name: `node${version}`,
    kind: 'node',
    run: (request) =>
      new Promise((resolve) => {
        if (ended) return resolve({ crashed: 'Node had ended' });
        waiting.set(request.run, resolve);
        child.send(request);
      }),
    part: () => Promise.resolve({ crashed: 'Node has no requests' }),
    async [Symbol.asyncDispose]() {
      if (ended) return;
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    },
  };
}
