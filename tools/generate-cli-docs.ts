// Writes docs/reference/cli.md from the command table: `npm run docs`. A test says when it is out of date.
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Command } from '../packages/cli/src/command.ts';
import { commands } from '../packages/cli/src/commands.ts';

export const cliPage = 'docs/reference/cli.md';

/** The page's Markdown. */
export function toCliPage(table: readonly Command[]): string {
  const head = `# The \`sallyport\` command

<!-- Made from the command table by \`npm run docs\`; changes here are lost. -->

| Command | What it does |
| --- | --- |
${table.map(({ name, positionals, summary }) => `| [\`${toCell([name, ...positionals].join(' '))}\`](#sallyport-${name.replaceAll(' ', '-')}) | ${toCell(summary)} |`).join('\n')}

\`sallyport --version\` prints the version, \`sallyport COMMAND --help\` explains a command.

Exit codes: 0 when all went well, 1 when it did not, 64 when the call cannot be understood, 130 after a second Ctrl-C.
`;
  return [head, ...table.map((command) => toSection(command))].join('\n');
}

/** A cell ends at a bar, also within code. */
function toCell(text: string): string {
  return text.replaceAll('|', '\\|');
}

function toSection({ name, positionals, summary, options, examples }: Command): string {
  const rows = Object.entries(options).map(([option, { short, value, multiple, help }]) => {
    const names = [...(short === undefined ? [] : [`-${short}`]), `--${option}`];
    const written = names.map((text) => `\`${text}${value === undefined ? '' : ` ${toCell(value)}`}\``).join(', ');
    return `| ${written} | ${toCell(help)}${multiple === true ? ' (repeatable)' : ''} |`;
  });
  return `## sallyport ${name}

${summary}

\`\`\`sh
sallyport ${[name, ...positionals].join(' ')} [OPTION ...]
\`\`\`

| Option | |
| --- | --- |
${rows.join('\n')}

\`\`\`sh
${examples.map(([line, effect]) => `${line}    # ${effect}`).join('\n')}
\`\`\`
`;
}

if (import.meta.url === `file://${process.argv[1]}`) {
  await mkdir(dirname(cliPage), { recursive: true });
  await writeFile(cliPage, toCliPage(commands));
}
