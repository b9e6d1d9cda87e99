// The commands about private services, in the order the help lists them.
import type { Command } from '../../command.ts';
import { create } from './create.ts';
import { explain } from './explain.ts';
import { get, list, remove, update } from './manage.ts';

export const vpcCommands: readonly Command[] = [create, list, get, update, remove, explain];
