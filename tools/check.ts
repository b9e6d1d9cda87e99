// `npm run check`: types, build, lint, format, package arrows, file size. Runs them side by side and prints only what failed.
import { spawn } from 'node:child_process';
import { checkArrows } from './check-arrows.ts';
import { checkSize } from './check-size.ts';

interface Outcome {
  name: string;
  ok: boolean;
  output: string;
}

function command(name: string, file: string, args: string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.on('error', (error) => resolve({ name, ok: false, output: String(error) }));
    child.on('close', (code) => resolve({ name, ok: code === 0, output }));
  });
}

async function problems(name: string, found: Promise<string[]>): Promise<Outcome> {
  const lines = await found;
  return { name, ok: lines.length === 0, output: lines.join('\n') };
}

const outcomes = await Promise.all([
  command('types', 'node_modules/.bin/tsc', ['-p', 'tsconfig.json']),
  command('build', 'node_modules/.bin/tsc', ['-b', 'tsconfig.build.json']),
  command('lint', 'node_modules/.bin/oxlint', ['--deny-warnings']),
  command('format', 'node_modules/.bin/oxfmt', ['--check']),
  problems('arrows', checkArrows()),
  problems('size', checkSize()),
]);

for (const { name, ok, output } of outcomes) {
  console.log(`${ok ? 'ok  ' : 'FAIL'} ${name}`);
  if (!ok) console.log(output.trimEnd());
}
process.exitCode = outcomes.every((outcome) => outcome.ok) ? 0 : 1;
