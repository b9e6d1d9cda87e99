// What a handler sees of a request: a path that was matched, a query, and a body that was checked to be an object.
import { ControlError } from '../errors.ts';
import { ApiError, type Envelope, succeeded } from './envelope.ts';

export const defaultPageSize = 20;
/** Cloudflare's limit is 1000 for tunnels and routes. */
export const maxPageSize = 1000;

export interface ApiRequest {
  /** What stands for `:name` in the route's path. */
  parameters: Readonly<Record<string, string>>;
  query: URLSearchParams;
  /** A JSON object; empty when there was no body. */
  body: Body;
}

/** A JSON object from outside: only its own properties are looked at, so `__proto__` in it means nothing. */
export class Body {
  readonly #value: object;

  constructor(value: object = {}) {
    this.#value = value;
  }

  #get(name: string): unknown {
    return Object.hasOwn(this.#value, name) ? (this.#value as Record<string, unknown>)[name] : undefined;
  }

  has(name: string): boolean {
    return (this.#get(name) ?? undefined) !== undefined;
  }

  text(name: string): string | undefined {
    const value = this.#get(name) ?? undefined;
    if (value === undefined || typeof value === 'string') return value;
    throw new ApiError('invalid_request', `"${name}" is not a string`);
  }

  /** Whether it is there and `null`, which in a change takes something away. */
  isNull(name: string): boolean {
    return this.#get(name) === null;
  }

  requiredText(name: string): string {
    const value = this.text(name);
    if (value === undefined) throw new ApiError('invalid_request', `"${name}" is missing`);
    return value;
  }

  boolean(name: string): boolean | undefined {
    const value = this.#get(name) ?? undefined;
    if (value === undefined || typeof value === 'boolean') return value;
    throw new ApiError('invalid_request', `"${name}" is neither true nor false`);
  }

  number(name: string): number | undefined {
    const value = this.#get(name) ?? undefined;
    if (value === undefined || typeof value === 'number') return value;
    throw new ApiError('invalid_request', `"${name}" is not a number`);
  }

  object(name: string): Body | undefined {
    const value = this.#get(name) ?? undefined;
    if (value === undefined) return undefined;
    if (typeof value === 'object' && !Array.isArray(value)) return new Body(value);
    throw new ApiError('invalid_request', `"${name}" is not an object`);
  }

  /** A list of at most `most` texts. */
  texts(name: string, most: number): readonly string[] | undefined {
    const value = this.#get(name) ?? undefined;
    if (value === undefined) return undefined;
    if (Array.isArray(value) && value.length <= most && value.every((each) => typeof each === 'string')) return value;
    throw new ApiError('invalid_request', `"${name}" is not a list of at most ${most} strings`);
  }

  /** Standard base64, whose bytes no message shows. */
  bytes(name: string): Uint8Array | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?$/.test(text)) {
      throw new ControlError('invalid_value', `"${name}" is not base64`);
    }
    return Buffer.from(text, 'base64');
  }
}

export function queryText(query: URLSearchParams, name: string): string | undefined {
  return query.get(name) || undefined;
}

export function queryBoolean(query: URLSearchParams, name: string): boolean | undefined {
  const text = queryText(query, name);
  if (text === undefined) return undefined;
  if (text === 'true' || text === '1') return true;
  if (text === 'false' || text === '0') return false;
  throw new ApiError('invalid_request', `"${name}" is neither true nor false`);
}

export function queryDate(query: URLSearchParams, name: string): Date | undefined {
  const text = queryText(query, name);
  if (text === undefined) return undefined;
  const date = new Date(text);
  if (Number.isNaN(date.getTime())) throw new ApiError('invalid_request', `"${name}" is not a time`);
  return date;
}

function queryCount(
  query: URLSearchParams,
  { name, missing, most }: { name: string; missing: number; most: number },
): number {
  const text = queryText(query, name);
  if (text === undefined) return missing;
  const count = Number(text);
  if (!/^\d{1,9}$/.test(text) || count < 1)
    throw new ApiError('invalid_request', `"${name}" is not a whole number above 0`);
  return Math.min(count, most);
}

/** One page of a list, as `page` and `per_page` ask. */
export function toPage(
  query: URLSearchParams,
  items: readonly unknown[],
  { pageSize = defaultPageSize }: { pageSize?: number } = {},
): Envelope {
  const page = queryCount(query, { name: 'page', missing: 1, most: Number.MAX_SAFE_INTEGER });
  const per_page = queryCount(query, { name: 'per_page', missing: pageSize, most: maxPageSize });
  const shown = items.slice((page - 1) * per_page, page * per_page);
  const total_count = items.length;
  const total_pages = Math.ceil(total_count / per_page);
  return succeeded(shown, { count: shown.length, page, per_page, total_count, total_pages });
}
