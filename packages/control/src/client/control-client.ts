// The control API as calls. One request at a time is sent for each call; lists are read page by page.
import { ClientError } from './client-error.ts';
import type { EdgeAccess } from './find-edge.ts';

/** Milliseconds an answer may take. */
const answerTimeout = 30_000;
const pageSize = 1000;
/** Pages read of one list: more than an edge can hold, so that a server that never ends a list is left. */
const maxPages = 1000;

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

interface CallOptions {
  query?: Query;
  body?: object;
}

interface Answer {
  success: boolean;
  errors: { code?: number; message?: string; error?: string; remedy?: string }[];
  result: unknown;
  result_info?: { count?: number; total_count?: number };
}

export class ControlClient {
  readonly #edge: EdgeAccess;

  constructor(edge: EdgeAccess) {
    this.#edge = edge;
  }

  /** The path of the edge's account and what comes after it. */
  account(path: string): string {
    return `/accounts/${encodeURIComponent(this.#edge.account)}/${path}`;
  }

  /** Rejects with a `ClientError`. The result is believed to have the shape that the caller names. */
  async call<Result>(method: string, path: string, options: CallOptions = {}): Promise<Result> {
    return (await this.#send(method, path, options)).result as Result;
  }

  /** Every page of a list. */
  async list<Item>(path: string, query: Query = {}): Promise<Item[]> {
    const items: Item[] = [];
    for (let page = 1; page <= maxPages; page += 1) {
      const { result, result_info } = await this.#send('GET', path, { query: { ...query, page, per_page: pageSize } });
      if (!Array.isArray(result)) throw this.#unexpected(`${path} is no list`);
      items.push(...(result as Item[]));
      if (result.length === 0 || items.length >= (result_info?.total_count ?? items.length)) break;
    }
    return items;
  }

  async #send(method: string, path: string, { query = {}, body }: CallOptions): Promise<Answer> {
    const { url, token, source } = this.#edge;
    const target = new URL(`${url}${path}`);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) target.searchParams.set(name, String(value));
    }
    let response: Response;
    let text: string;
    try {
      response = await fetch(target, {
        method,
        redirect: 'error',
        signal: AbortSignal.timeout(answerTimeout),
        headers: {
          authorization: `Bearer ${token}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      text = await response.text();
    } catch (error) {
      const { cause } = error as { cause?: Error };
      const why = cause?.message || (error as Error).message;
      throw ClientError.of('edge_unreachable', `${url} (from ${source}): ${why}`, { cause: error });
    }
    return this.#read(response.status, text);
  }

  #read(status: number, text: string): Answer {
    let answer: Partial<Answer> | undefined;
    try {
      answer = JSON.parse(text) as Partial<Answer>;
    } catch (error) {
      throw this.#unexpected(`status ${status}, and no JSON`, { cause: error });
    }
    if (typeof answer !== 'object' || answer === null || typeof answer.success !== 'boolean') {
      throw this.#unexpected(`status ${status}, and not its JSON`);
    }
    if (answer.success) return answer as Answer;
    const [problem = {}] = answer.errors ?? [];
    const { error: code = 'refused', message = `status ${status}`, remedy = '' } = problem;
    if (code !== 'unauthorized') throw ClientError.answered({ code, message, remedy, status });
    throw ClientError.answered({
      code,
      message: `${this.#edge.url} does not accept the token from ${this.#edge.source}`,
      remedy: "Use the token in the edge's control.json; an edge makes a new one when its state directory is new.",
      status,
    });
  }

  #unexpected(detail: string, options?: { cause?: unknown }): ClientError {
    return ClientError.of('unexpected_answer', `${this.#edge.url} (from ${this.#edge.source}): ${detail}`, options);
  }
}
