// Every command there is, in the order the help lists them.
import type { Command } from './command.ts';
import { certCommands } from './commands/cert/cert-commands.ts';
import { dev } from './commands/dev.ts';
import { edge } from './commands/edge.ts';
import { explain } from './commands/explain.ts';
import { explainConnect } from './commands/explain-connect.ts';
import { hyperdriveCommands } from './commands/hyperdrive/hyperdrive-commands.ts';
import { vpcCommands } from './commands/vpc/vpc-commands.ts';
import { controlCommands } from './commands/tunnel/control-commands.ts';
import { ingressRule } from './commands/tunnel/ingress-rule.ts';
import { ingressValidate } from './commands/tunnel/ingress-validate.ts';
import { run } from './commands/tunnel/run.ts';

export const commands: readonly Command[] = [
  dev,
  edge,
  explain,
  explainConnect,
  ...controlCommands,
  run,
  ingressValidate,
  ingressRule,
  ...hyperdriveCommands,
  ...vpcCommands,
  ...certCommands,
];
