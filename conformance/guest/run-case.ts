// Runs one case inside a subject and answers with its observation.
import { areas } from '../cases/index.ts';
import type { Case } from '../case.ts';
import { createRun, type RunRequest, type Surroundings } from './context.ts';
import { setPatience } from './observe.ts';

export interface RunAnswer {
  observation: unknown;
  /** Part to run in another request once this one is over. */
  afterwards: string | undefined;
}

function findCase({ area, name }: RunRequest): Case {
  const found = areas.find(({ id }) => id === area)?.cases.find((candidate) => candidate.name === name);
  if (found === undefined) throw new Error(`no case ${area} / ${name}`);
  return found;
}

/** What a case throws is a mistake in the case, and says so. */
export async function observe(part: () => unknown): Promise<unknown> {
  try {
    return (await part()) ?? 'nothing observed';
  } catch (error) {
    return { crashed: error instanceof Error ? `${error.name}: ${error.message} ${error.stack}` : String(error) };
  }
}

export async function runCase(request: RunRequest, surroundings: Surroundings): Promise<RunAnswer | Response> {
  setPatience(request.patience);
  const { context, afterwards, sockets } = createRun(request, surroundings);
  const observation = await observe(() => findCase(request).run(context));
  if (observation instanceof Response) return observation;
  if (afterwards() === undefined) for (const socket of sockets) socket.close().catch(() => {});
  return { observation, afterwards: afterwards() };
}
