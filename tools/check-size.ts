// Keeps files readable: one noun per file, 50 to 200 lines, 300 as the ceiling. Data tables (`*.table.ts`) are exempt.
import { readFile } from 'node:fs/promises';
import { sourceFiles } from './source-files.ts';

const ceiling = 300;

export async function checkSize(): Promise<string[]> {
  const files = (await sourceFiles('*.ts', '*.mjs')).filter((path) => !path.endsWith('.table.ts'));
  const lengths = await Promise.all(
    files.map(async (path) => ({ path, lines: (await readFile(path, 'utf8')).split('\n').length - 1 })),
  );
  return lengths
    .filter(({ lines }) => lines > ceiling)
    .map(({ path, lines }) => `${path}: ${lines} lines, the ceiling is ${ceiling}; split it by noun`);
}
