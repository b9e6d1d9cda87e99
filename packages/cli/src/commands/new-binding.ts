// The binding of a resource that a command creates: its options, and the lines that make it in a project's configuration.
import { CommandError } from '../command-error.ts';
import { type Option, toText, UsageError, type Values } from '../command.ts';

const identifier = /^[A-Za-z_$][\w$]*$/;

/** @param fallback the binding's name when none is given */
export function bindingOptions(fallback: string): Record<string, Option> {
  return {
    binding: { value: 'NAME', help: `Name of the binding in the Worker (default: ${fallback})` },
    'update-config': { help: "Write the binding into the project's configuration" },
    config: {
      short: 'c',
      value: 'FILE',
      help: 'That configuration (default: the nearest wrangler.json, .jsonc or .toml)',
    },
    env: { short: 'e', value: 'NAME', help: 'The environment in it that gets the binding' },
  };
}

export interface BindingKind {
  /** Of the list of such bindings in a configuration. */
  key: 'hyperdrive' | 'vpc_services';
  /** Of the resource's id in an entry. */
  idKey: string;
  /** See `bindingOptions`. */
  fallback: string;
}

export interface NewBinding {
  /** What to tell of the binding to the resource with this id, once it is written if that was asked for. */
  write(id: string): Promise<{ text: string; failure?: CommandError }>;
}

/**
 * Asked before anything is created, because a second try would find the name taken.
 * @throws UsageError, CommandError, ConfigurationError
 */
export async function planBinding(values: Values, { key, idKey, fallback }: BindingKind): Promise<NewBinding> {
  const binding = toText(values, 'binding') ?? fallback;
  if (!identifier.test(binding)) throw new UsageError(`--binding takes a JavaScript identifier, not ${binding}`);
  const { addResource, findBoundId, findEditableConfig, toResourceText } = await import('@sallyport/workers');
  const found = await findEditableConfig(process.cwd(), { config: toText(values, 'config') });
  const writes = values['update-config'] === true;
  const env = toText(values, 'env');
  const toResource = (id: string) => ({ key, entry: { binding, [idKey]: id }, env });
  if (writes && found === undefined) {
    throw new CommandError(
      'There is no project here that --update-config could write the binding into; nothing was created',
      "Run it in the project's folder, or name its configuration with --config FILE.",
    );
  }
  const bound = writes ? await findBoundId(found!.file, toResource('')) : undefined;
  if (bound !== undefined) {
    throw new CommandError(
      `${found!.file} binds env.${binding} already, to ${bound}; nothing was created`,
      'Name another with --binding, or take that entry out first if what it leads to is gone.',
    );
  }
  return {
    async write(id) {
      const resource = toResource(id);
      const snippet = toResourceText(resource, found?.format ?? 'jsonc');
      const byHand = `To use it as env.${binding}, add this to the project's configuration:\n\n${snippet}`;
      if (!writes) return { text: byHand };
      const problem = await addResource(found!.file, resource);
      if (problem === undefined) return { text: `Added to ${found!.file}: env.${binding}\n` };
      const failure = new CommandError(
        `It was created, and its binding was not written: ${problem}`,
        `Add this yourself:\n\n${snippet}`,
      );
      return { text: '', failure };
    },
  };
}
