// The help texts, made from the command table.
import { styleText } from 'node:util';
import type { Command } from './command.ts';
import { usesColor } from './output/color.ts';

/** Characters of an example that has its explanation beside it. */
const maxExample = 64;

/** What there is in the program, or in one group of its commands. */
export function programHelp(commands: readonly Command[], group: readonly string[] = []): string {
  const prefix = group.map((word) => `${word} `).join('');
  const members = commands.filter(({ name }) => name.startsWith(prefix));
  return `${bold('sallyport')}: Workers VPC on your own machines

${bold('Usage')}
  sallyport ${prefix}COMMAND [OPTION ...]

${bold('Commands')}
${columns(members.map(({ name, positionals, summary }) => [[name, ...positionals].join(' '), summary]))}

sallyport ${prefix}COMMAND --help explains one. sallyport --version prints the version.
`;
}

export function commandHelp(command: Command): string {
  const { name, positionals, summary, options, examples } = command;
  const rows = Object.entries(options).map(([option, { short, value, help }]): [string, string] => [
    `${short === undefined ? '    ' : `-${short}, `}--${option}${value === undefined ? '' : ` ${value}`}`,
    help,
  ]);
  return `${summary}

${bold('Usage')}
  sallyport ${[name, ...positionals].join(' ')} [OPTION ...]

${bold('Options')}
${columns([...rows, ['-h, --help', 'Print this help']])}

${bold('Examples')}
${columns(examples, maxExample)}
`;
}

/** What is longer than `most` has its right side on a line of its own, so that the others stay close to theirs. */
function columns(rows: readonly [string, string][], most = Infinity): string {
  const width = Math.max(0, ...rows.map(([left]) => left.length).filter((length) => length <= most));
  return rows
    .map(([left, right]) => `  ${left.length > width ? `${left}\n      ${right}` : `${left.padEnd(width)}  ${right}`}`)
    .join('\n');
}

function bold(text: string): string {
  return usesColor(process.stdout) ? styleText('bold', text, { validateStream: false }) : text;
}
