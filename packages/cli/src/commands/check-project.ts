// `--update-config` needs a project. Asked before anything is created, because a second try would find the name taken.
import { CommandError } from '../command-error.ts';
import { toText, type Values } from '../command.ts';

/** @throws CommandError, ConfigurationError */
export async function checkProject(values: Values): Promise<void> {
  if (values['update-config'] !== true) return;
  const { findEditableConfig } = await import('@sallyport/workers');
  if ((await findEditableConfig(process.cwd(), { config: toText(values, 'config') })) !== undefined) return;
  throw new CommandError(
    'There is no project here that --update-config could write the binding into; nothing was created',
    "Run it in the project's folder, or name its configuration with --config FILE.",
  );
}
