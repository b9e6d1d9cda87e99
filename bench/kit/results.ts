// Keeps a bench's results: all raw runs as JSON, and the table with how it was taken as Markdown.
import { mkdir, writeFile } from 'node:fs/promises';
import { type Machine, toMachineLine } from './machine.ts';
import { type Row, toMarkdownTable } from './table.ts';

export interface Results {
  name: string;
  command: string;
  machine: Machine;
  runs: number;
  rows: readonly Row[];
  raw: unknown;
  /** How the figures were taken, in Markdown. */
  method: string;
}

export async function writeResults({ name, command, machine, runs, rows, raw, method }: Results): Promise<void> {
  const date = new Date().toISOString();
  const folder = 'bench/results';
  await mkdir(folder, { recursive: true });
  await writeFile(
    `${folder}/${name}.json`,
    `${JSON.stringify({ date, command, machine, runs, rows, raw }, undefined, 1)}\n`,
  );
  await writeFile(
    `${folder}/${name}.md`,
    `# Bench: ${name}

Taken ${date} with \`${command}\` on ${toMachineLine(machine)}.

${toMarkdownTable(rows)}

${method.trim()}
`,
  );
  console.log(`written: ${folder}/${name}.json, ${folder}/${name}.md`);
}
