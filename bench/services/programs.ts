// The programs of this bench.
import { definePrograms } from '../kit/programs.ts';

export const { build: buildPrograms, start: startProgram } = definePrograms('services', ['origin', 'load', 'relay']);
