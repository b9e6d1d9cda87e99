// A page of docs/guide as something to run: the files it shows and the commands in it, in their order.
//
// A block whose first line is a comment that is a file name is that file. In a `console` block a line after `$ ` is a
// command and what follows is what it prints; `^C` ends the program that was started last. In an `sh` block every line is
// a command. `…` stands for anything.
import { readFile } from 'node:fs/promises';

export interface GuideFile {
  kind: 'file';
  name: string;
  text: string;
}

export interface GuideCommand {
  kind: 'command';
  command: string;
  /** Lines that it prints, somewhere and in this order. */
  prints: string[];
}

/** Ctrl-C. */
export interface GuideInterrupt {
  kind: 'interrupt';
}

export type GuideStep = GuideFile | GuideCommand | GuideInterrupt;

const guides = new URL('../../../../docs/guide/', import.meta.url);
const block = /^```(\w+)\n([^]*?)^```$/gm;
const fileName = /^(?:\/\/|#) ([\w./-]+\.\w+)\n/;

/** The steps of a page, after replacing what stands in it for something of the machine it is run on. */
export async function readGuide(
  name: string,
  replacements: Readonly<Record<string, string>> = {},
): Promise<GuideStep[]> {
  let text = await readFile(new URL(`${name}.md`, guides), 'utf8');
  for (const from of Object.keys(replacements)) {
    if (!text.includes(from)) throw new Error(`${name}.md has nothing like ${from}`);
  }
  // All at once: what was put in is not replaced again.
  const longestFirst = Object.keys(replacements).sort((one, other) => other.length - one.length);
  if (longestFirst.length > 0) {
    text = text.replaceAll(new RegExp(longestFirst.map(escapePattern).join('|'), 'g'), (found) => replacements[found]!);
  }
  return [...text.matchAll(block)].flatMap(([, language, content]) => toSteps(language!, content!));
}

/** A text as part of a pattern. */
export function escapePattern(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);
}

function toSteps(language: string, content: string): GuideStep[] {
  if (language === 'console') return toCommands(content);
  if (language === 'sh') return toShell(content);
  const name = fileName.exec(content)?.[1];
  return name === undefined ? [] : [{ kind: 'file', name, text: content }];
}

function toCommands(content: string): GuideStep[] {
  const steps: GuideStep[] = [];
  for (const line of content.trimEnd().split('\n')) {
    const last = steps.at(-1);
    if (line.startsWith('$ ')) steps.push({ kind: 'command', command: line.slice(2), prints: [] });
    else if (line === '^C') steps.push({ kind: 'interrupt' });
    else if (last?.kind === 'command') last.prints.push(line);
    else throw new Error(`nothing prints ${line}`);
  }
  return steps;
}

function toShell(content: string): GuideStep[] {
  return content
    .replaceAll('\\\n', '')
    .split('\n')
    .map((line) => line.replace(/(^| +)# .*/, '').trim())
    .filter((line) => line !== '')
    .map((command) => ({ kind: 'command', command, prints: [] }));
}
