// Every command there is, in the order the help lists them.
import type { Command } from './command.ts';
import { dev } from './commands/dev.ts';
import { explain } from './commands/explain.ts';
import { controlCommands } from './commands/tunnel/control-commands.ts';

export const commands: readonly Command[] = [dev, explain, ...controlCommands];
