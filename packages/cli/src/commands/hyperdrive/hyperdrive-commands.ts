// The commands about databases, in the order the help lists them.
import type { Command } from '../../command.ts';
import { create } from './create.ts';
import { get, list, remove, update } from './manage.ts';
import { explain, purge, status } from './pools.ts';

export const hyperdriveCommands: readonly Command[] = [create, list, get, update, remove, status, explain, purge];
