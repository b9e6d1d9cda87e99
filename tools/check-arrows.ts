// Enforces the architecture: which workspace package may import which, and that every import is declared.
//
// A package boundary is what keeps a parser free of sockets and the public library free of dependencies, so the table
// below is the architecture; changing it is a design decision (docs/decisions).
import { readFile } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { sourceFiles } from './source-files.ts';

const mayImport: Record<string, readonly string[]> = {
  sockets: [],
  egress: [],
  'postgres-wire': [],
  hyperdrive: ['@sallyport/postgres-wire', '@sallyport/egress'],
  tunnel: ['@sallyport/egress'],
  control: ['@sallyport/egress'],
  workers: ['@sallyport/sockets', '@sallyport/egress'],
  edge: [
    '@sallyport/sockets',
    '@sallyport/egress',
    '@sallyport/workers',
    '@sallyport/tunnel',
    '@sallyport/control',
    '@sallyport/hyperdrive',
  ],
  cli: ['@sallyport/edge', '@sallyport/workers', '@sallyport/egress', '@sallyport/control', '@sallyport/tunnel'],
  testkit: ['@sallyport/sockets', '@sallyport/egress', '@sallyport/tunnel', '@sallyport/workers', '@sallyport/edge'],
};

/** Modules that exist only inside workerd. */
const runtimeModules = new Set(['cloudflare:sockets', 'cloudflare:workers']);

const importPattern = /(?:\bfrom\s+|\bimport\s*\(\s*|^\s*import\s+)['"]([^'"]+)['"]/gm;

/** Examples in comments import what readers will import. */
const comments = /^\s*(?:\/\*\*?|\*|\/\/).*$/gm;

function packageOf(specifier: string): string {
  const parts = specifier.split('/');
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? specifier);
}

async function declared(folder: string): Promise<Set<string>> {
  const manifest = JSON.parse(await readFile(`packages/${folder}/package.json`, 'utf8')) as Record<string, unknown>;
  const fields = ['dependencies', 'optionalDependencies', 'peerDependencies'];
  return new Set(fields.flatMap((field) => Object.keys((manifest[field] ?? {}) as Record<string, string>)));
}

export async function checkArrows(): Promise<string[]> {
  const problems: string[] = [];
  for (const [folder, allowed] of Object.entries(mayImport)) {
    const dependencies = await declared(folder).catch(() => undefined);
    if (dependencies === undefined) continue;
    if (folder === 'sockets' && dependencies.size > 0) problems.push('packages/sockets: must have no dependencies');
    for (const path of await sourceFiles(`packages/${folder}/src`)) {
      const text = (await readFile(path, 'utf8')).replace(comments, '');
      for (const [, specifier = ''] of text.matchAll(importPattern)) {
        if (specifier.startsWith('.') || isBuiltin(specifier) || runtimeModules.has(specifier)) continue;
        const name = packageOf(specifier);
        if (name.startsWith('@sallyport/') && !allowed.includes(name)) {
          problems.push(`${path}: ${folder} may not import ${name}`);
        }
        if (!dependencies.has(name)) problems.push(`${path}: ${name} is not in packages/${folder}/package.json`);
      }
    }
  }
  return problems;
}
