// `sallyport tunnel ingress validate`: says whether a configuration can be used, in cloudflared's words.
import { describeValidation, parseTunnelConfig } from '@sallyport/tunnel';
import { type Command, toText } from '../../command.ts';
import { findConfig, type FoundConfig } from './connector-files.ts';
import { unknownSettings } from './connector-options.ts';
import { printText } from './ingress-text.ts';

export const ingressValidate: Command = {
  name: 'tunnel ingress validate',
  summary: 'Check the ingress rules of a configuration file.',
  positionals: [],
  options: {
    config: { value: 'FILE', help: 'Configuration (default: where sallyport tunnel run looks for it)' },
    json: { value: 'JSON', help: 'Check this configuration instead; durations are seconds' },
  },
  examples: [
    ['sallyport tunnel ingress validate', 'the file that tunnel run would use'],
    ['sallyport tunnel ingress validate --config ./config.yml', 'another file'],
  ],
  async run(values) {
    const json = toText(values, 'json');
    const { file, parsed } =
      json === undefined
        ? await findConfigToCheck(toText(values, 'config'))
        : { file: 'JSON', parsed: parseTunnelConfig(json, { file: 'JSON', durations: 'seconds' }) };
    const text = describeValidation(parsed, { file });
    // What `tunnel run` warns of; to cloudflared each top-level key is a flag, and it looks at none here.
    const unknown = parsed.config === undefined ? [] : unknownSettings(parsed.config);
    const warnings = unknown.map((key) => `Warning: ${key} is no setting of this connector: it has no effect`);
    return printText({ ...text, output: [...text.output, ...warnings] });
  },
};

/** The file that is there, or one that is not and says so. */
export async function findConfigToCheck(named: string | undefined): Promise<FoundConfig> {
  const found = await findConfig(named, { requireIngress: true });
  return found ?? { file: 'config.yml', parsed: parseTunnelConfig('', { file: 'config.yml' }) };
}
