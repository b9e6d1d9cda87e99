// `sallyport tunnel ingress rule URL`: says which ingress rule a request belongs to.
import { describeMatch } from '@sallyport/tunnel';
import { type Command, toText } from '../../command.ts';
import { findConfigToCheck } from './ingress-validate.ts';
import { printText } from './ingress-text.ts';

export const ingressRule: Command = {
  name: 'tunnel ingress rule',
  summary: 'Say which ingress rule matches a URL.',
  positionals: ['URL'],
  options: { config: { value: 'FILE', help: 'Configuration (default: where sallyport tunnel run looks for it)' } },
  examples: [
    ['sallyport tunnel ingress rule https://shop.example.com/cart', 'the rule, counted from 0, and its service'],
  ],
  async run(values, [url = '']) {
    const { file, parsed } = await findConfigToCheck(toText(values, 'config'));
    return printText(describeMatch(url, { parsed, file }));
  },
};
