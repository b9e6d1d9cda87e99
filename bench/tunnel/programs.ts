// The programs of this bench.
import { definePrograms } from '../kit/programs.ts';

export type { Program, Started } from '../kit/programs.ts';

export const { build: buildPrograms, start: startProgram } = definePrograms('tunnel', [
  'origin',
  'edge',
  'connector',
  'relay',
  'proxy',
  'load',
]);
