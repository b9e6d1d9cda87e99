// Which handler answers a request: a table of methods and paths. Paths are compared segment by segment as they were
// sent, and nothing is normalised, so there is one spelling of each.
import { ApiError, type Envelope } from './envelope.ts';
import type { ApiRequest } from './request.ts';

export type Handler = (request: ApiRequest) => Envelope | Promise<Envelope>;

export interface ApiRoute {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** `/accounts/:account/cfd_tunnel/:id`. */
  path: string;
  handle: Handler;
}

export type Match =
  | { handle: Handler; parameters: Record<string, string> }
  /** The path exists, the method does not. */
  | { allowed: string[] };

/** Accepted in front of every path, because clients are given it as part of the base URL. */
const prefix = ['client', 'v4'];

/** Longest path looked at, in characters. */
const maxPathLength = 2048;

export function createRouter(routes: readonly ApiRoute[]): (method: string, path: string) => Match {
  const table = routes.map((route) => ({ ...route, pattern: route.path.split('/').slice(1) }));
  return (method, path) => {
    const segments = toSegments(path);
    const found = table.flatMap((route) => {
      const parameters = matchSegments(route.pattern, segments);
      return parameters === undefined ? [] : [{ method: route.method, handle: route.handle, parameters }];
    });
    const match = found.find((candidate) => candidate.method === method);
    if (match !== undefined) return match;
    if (found.length === 0) throw new ApiError('unknown_path');
    return { allowed: [...new Set(found.map((candidate) => candidate.method))] };
  };
}

function toSegments(path: string): string[] {
  if (!path.startsWith('/') || path.length > maxPathLength) throw new ApiError('unknown_path');
  const segments = path.slice(1).split('/').map(decode);
  return prefix.every((word, index) => segments[index] === word) ? segments.slice(prefix.length) : segments;
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch (error) {
    throw new ApiError('invalid_request', 'a percent escape in the path', { cause: error });
  }
}

function matchSegments(pattern: readonly string[], segments: readonly string[]): Record<string, string> | undefined {
  if (pattern.length !== segments.length) return undefined;
  const parameters: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const [index, part] of pattern.entries()) {
    const segment = segments[index]!;
    if (!part.startsWith(':')) {
      if (part !== segment) return undefined;
    } else if (segment === '') return undefined;
    else parameters[part.slice(1)] = segment;
  }
  return parameters;
}
