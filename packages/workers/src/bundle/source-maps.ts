// Source maps as esbuild writes them, with absolute paths, so that whoever maps a position needs no folder to start from.
import { resolve } from 'node:path';

interface RawSourceMap {
  sources: string[];
  sourceRoot?: string;
}

/** The same map with `sources` made absolute; `folder` is where its relative ones start. */
export function toAbsoluteSources(map: string, folder: string): string {
  const { sourceRoot = '', ...raw } = JSON.parse(map) as RawSourceMap;
  return JSON.stringify({ ...raw, sources: raw.sources.map((source) => resolve(folder, sourceRoot, source)) });
}
